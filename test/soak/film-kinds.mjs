/*
 * npm run soak:films [-- WORD]: films of many kinds, made with ffmpeg, put into a local archive and decoded from there by one decoder and
 * by four side by side, all pictures and key frames alone; every picture is to be the one that ffmpeg itself decodes of the
 * file, by its hash and its time, and no frame is to fail. With WORD, only the kinds whose name has it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ffmpeg, KvsArchive } from 'kvs-archive';
import { readMkv } from 'kvs-archive/mkv';
import { createArchiveServer } from 'kvs-archive/server';
import { toAccessUnit } from '#lib/codecs/nal/access-unit.js';
import { elementHeader } from '#lib/ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info, tracks } from '#lib/mkv/matroska-writer.js';
import { decoderTrackOfNalUnits } from '#lib/pictures/ffmpeg/decoder-track.js';
import { scratch } from '../bench/recording.mjs';

const DECODERS = [1, 4];
const START_MS = Date.UTC(2026, 0, 31);
const FILM_MS = 10_000;
const RANGE = { from: new Date(START_MS), to: new Date(START_MS + 60_000), by: 'producer' };
const SOURCE = '-f lavfi -i testsrc2=s=64x48:r=25:d=1.2';

const avc = (params = '', more = '-pix_fmt yuv420p') =>
	`${SOURCE} ${more} -c:v libx264 -preset veryfast -x264-params keyint=10:min-keyint=10:scenecut=0:${params}`;
const hevc = (params = '', more = '-pix_fmt yuv420p') =>
	`${SOURCE} ${more} -c:v libx265 -preset ultrafast -x265-params log-level=none:pools=none:frame-threads=1:keyint=10:min-keyint=10:scenecut=0:${params}`;
const vp9 = (more) => `${SOURCE} -c:v libvpx-vp9 -deadline good -cpu-used 8 -g 10 ${more}`;
const of = (more, source = SOURCE) => `${source} ${more}`;

/** What ffmpeg makes the films with; of an array, one film after the other in one stream. */
const KINDS = {
	'H.264 without B-frames': avc('bframes=0'),
	'H.264 baseline, CAVLC': avc('', '-profile:v baseline -pix_fmt yuv420p'),
	'H.264 with 3 B-frames': avc('bframes=3:b-adapt=0'),
	'H.264 with 16 B-frames': avc('bframes=16:b-adapt=0:keyint=30'),
	'H.264 hierarchic B-frames': avc('bframes=7:b-adapt=0:b-pyramid=normal'),
	'H.264 open groups': avc('open-gop=1:bframes=3:b-adapt=0'),
	'H.264 open groups, hierarchic': avc('open-gop=1:bframes=5:b-adapt=0:b-pyramid=normal'),
	'H.264 intra refresh': { film: avc('intra-refresh=1:bframes=0'), hasWholeKeys: false },
	'H.264 all intra': avc('keyint=1'),
	'H.264 groups of one, two and more': avc(
		'keyint=30:bframes=2',
		'-pix_fmt yuv420p -force_key_frames expr:gte(n,5)*lte(n,8)+eq(n,10)',
	),
	'H.264 one long group': avc('keyint=infinite'),
	'H.264 four slices': avc('slices=4'),
	'H.264 16 references, weighted': avc('ref=16:weightp=2:bframes=2', '-vf fade=d=1,format=yuv420p'),
	'H.264 interlaced, top first': avc('tff=1:bframes=2'),
	'H.264 interlaced, bottom first': avc('bff=1'),
	'H.264 10 bit': avc('', '-pix_fmt yuv420p10le'),
	'H.264 4:2:2': avc('bframes=2', '-pix_fmt yuv422p'),
	'H.264 4:2:2 10 bit': avc('', '-pix_fmt yuv422p10le'),
	'H.264 4:4:4, odd size': avc('', '-vf scale=63:47 -pix_fmt yuv444p'),
	'H.264 monochrome': avc('', '-pix_fmt gray'),
	'H.264 RGB, lossless': of('-c:v libx264rgb -qp 0 -g 10'),
	'H.264 lossless': avc('qp=0'),
	'H.264 full range': avc('fullrange=on', '-vf scale=out_range=pc -pix_fmt yuvj420p'),
	'H.264 BT.601': avc('colormatrix=smpte170m:colorprim=smpte170m:transfer=smpte170m'),
	'H.264 BT.709': avc('colormatrix=bt709:colorprim=bt709:transfer=bt709'),
	'H.264 BT.2020, 10 bit': avc('colormatrix=bt2020nc', '-pix_fmt yuv420p10le'),
	'H.264 cropped size': avc('bframes=2', '-vf scale=50:38 -pix_fmt yuv420p'),
	'H.264 pixels that are not square': avc('', '-vf setsar=4/3 -pix_fmt yuv420p'),
	'H.264 variable frame rate': avc('', "-vf select='lt(n,10)+not(mod(n,3))' -vsync vfr -pix_fmt yuv420p"),
	'H.264 access unit delimiters': avc('aud=1:bframes=2'),
	'H.264 parameter sets in each key frame': avc('repeat-headers=1'),
	'H.264 buffering and timing messages': avc('nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500:bframes=2'),
	'H.264 one picture': avc('', '-frames:v 1 -pix_fmt yuv420p'),
	'H.264 two pictures': avc('', '-frames:v 2 -pix_fmt yuv420p'),
	'H.264 Annex B, without CodecPrivate': { film: avc('repeat-headers=1:bframes=2'), isAnnexB: true },
	'H.264 of MP4, turned by 90': { film: avc('bframes=2'), turn: 90 },
	'H.264 of MP4, turned by 180': { film: avc(''), turn: 180 },
	'H.264 of MP4, turned by 270': { film: avc('open-gop=1'), turn: 270 },
	'H.264, another size in the middle': [avc('bframes=2'), avc('', '-vf scale=96:64 -pix_fmt yuv420p')],
	'H.264, then H.265 of the same size': [avc('bframes=2'), hevc('bframes=2')],
	'H.264, then other parameters of the same size': [avc('open-gop=1'), avc('ref=8'), avc('open-gop=1')],
	'H.265 without B-frames': hevc('bframes=0'),
	'H.265 hierarchic B-frames': hevc('bframes=7:b-adapt=0:rc-lookahead=20:open-gop=0'),
	'H.265 16 B-frames': hevc('bframes=16:b-adapt=0:rc-lookahead=30:keyint=30'),
	'H.265 open groups': hevc('open-gop=1:bframes=4:b-adapt=0'),
	'H.265 decodable leading pictures': hevc('open-gop=0:radl=2:bframes=3:b-adapt=0'),
	'H.265 temporal layers': hevc('temporal-layers=1:bframes=3'),
	'H.265 all intra': hevc('keyint=1'),
	'H.265 intra refresh': { film: hevc('intra-refresh=1:bframes=0'), hasWholeKeys: false },
	'H.265 slices': hevc('slices=2', '-vf scale=64:128 -pix_fmt yuv420p'),
	'H.265 10 bit': hevc('', '-pix_fmt yuv420p10le'),
	'H.265 12 bit 4:2:2': hevc('', '-pix_fmt yuv422p12le'),
	'H.265 4:4:4': hevc('', '-pix_fmt yuv444p'),
	'H.265 monochrome': hevc('', '-pix_fmt gray'),
	'H.265 lossless, cropped size': hevc('lossless=1', '-vf scale=50:38 -pix_fmt yuv420p'),
	'H.265 hashes of its pictures': hevc('hash=1:open-gop=1:bframes=3'),
	'H.265 fields as pictures': hevc('interlace=tff'),
	'H.265 delimiters, parameter sets repeated': hevc('aud=1:repeat-headers=1'),
	'H.265 full range, BT.709': hevc(
		'range=full:colormatrix=bt709',
		'-vf scale=out_range=pc -pix_fmt yuvj420p',
	),
	'H.265 Annex B, without CodecPrivate': {
		film: hevc('repeat-headers=1:open-gop=1:bframes=3'),
		isAnnexB: true,
	},
	VP8: of('-c:v libvpx -g 10 -deadline realtime -cpu-used 8'),
	'VP8 with hidden frames': of('-c:v libvpx -g 20 -auto-alt-ref 1 -lag-in-frames 16 -cpu-used 4'),
	'VP8, odd size': of('-vf scale=63:47 -c:v libvpx -g 10 -cpu-used 8'),
	VP9: vp9('-lag-in-frames 0'),
	'VP9 with hidden frames': vp9('-auto-alt-ref 1 -lag-in-frames 16 -g 20'),
	'VP9 4:4:4, odd size': vp9('-vf scale=63:47 -pix_fmt yuv444p'),
	'VP9 10 bit, BT.2020': vp9('-pix_fmt yuv420p10le -colorspace bt2020nc'),
	AV1: of('-c:v libaom-av1 -cpu-used 8 -g 10 -lag-in-frames 0 -usage realtime'),
	'AV1 with hidden frames, 10 bit': of(
		'-c:v libaom-av1 -cpu-used 8 -g 20 -lag-in-frames 16 -pix_fmt yuv420p10le',
	),
	'AV1 film grain': of(
		'-v quiet -c:v libaom-av1 -cpu-used 8 -g 10 -denoise-noise-level 20 -lag-in-frames 8 -pix_fmt yuv420p',
	),
	'AV1 monochrome': of('-c:v libaom-av1 -cpu-used 8 -g 10 -lag-in-frames 8 -pix_fmt gray'),
	'MJPEG 4:2:0': of('-pix_fmt yuvj420p -c:v mjpeg'),
	'MJPEG 4:4:4, odd size': of('-vf scale=63:47 -pix_fmt yuvj444p -c:v mjpeg'),
	'MPEG-4 with B-frames': of('-c:v mpeg4 -g 10 -bf 2'),
	'MPEG-2 open groups, interlaced': of('-c:v mpeg2video -g 10 -bf 2 -flags +ildct+ilme'),
	Theora: of('-c:v libtheora -g 10'),
};

const run = promisify(execFile);
const quiet = ['-nostdin', '-v', 'error', '-y'];
const say = (line) => process.stdout.write(`${line}\n`);
const words = (text) => text.split(' ').filter((word) => word !== '');

/** The file of a film. */
async function make(what, path) {
	const { film = what, turn, isAnnexB = false } = typeof what === 'string' ? {} : what;
	const plain = `${path}.mkv`;
	await run('ffmpeg', [...quiet, '-bitexact', ...words(film), plain]);
	if (turn === undefined)
		return isAnnexB ? { file: await annexB(plain, `${path}-annex-b.mkv`), plain } : { file: plain, plain };
	const turned = `${path}.mp4`;
	await run('ffmpeg', [...quiet, '-i', plain, '-c', 'copy', '-metadata:s:v', `rotate=${turn}`, turned]);
	return { file: turned, plain: turned };
}

/** The same film with start codes, and with no parameter sets but those of its key frames. */
async function annexB(plain, path) {
	const parts = [...ebmlHeader(), elementHeader('Segment', 0, { isSizeUnknown: true }), ...info(1_000_000)];
	let isBegun = false;
	for await (const event of readMkv([await readFile(plain)])) {
		if (event.type !== 'frame') continue;
		const { track, keyframe, timecodeNs } = event;
		if (!isBegun) parts.push(...tracks([decoderTrackOfNalUnits(track)]));
		isBegun = true;
		const fields = {
			trackNumber: track.number,
			relativeTicks: 0,
			keyframe,
			data: toAccessUnit(event, 'annex-b'),
		};
		parts.push(...cluster(timecodeNs / 1_000_000n, block(fields)));
	}
	await writeFile(path, Buffer.concat(parts));
	return path;
}

/** Times in milliseconds, of which the first is `startMs`, and hashes of the pictures that ffmpeg decodes of a file. */
async function picturesByFfmpeg(file, startMs) {
	const form =
		'-map 0:v:0 -autoscale 0 -vsync passthrough -pix_fmt rgb24 -c:v rawvideo -enc_time_base 1/1000 -f framemd5 -';
	const { stdout } = await run('ffmpeg', [...quiet, '-i', file, ...words(form)]);
	const rows = stdout.split('\n').filter((line) => /^\d/.test(line));
	const pictures = rows.map((line) => line.split(',').map((field) => field.trim()));
	return pictures.map(([, , time, , , hash]) => `${startMs + Number(time) - Number(pictures[0][2])} ${hash}`);
}

/** ffmpeg, as if it cost nothing to begin: the films are short. */
const decoder = { open: (...what) => ffmpeg().open(...what) };

/** What the archive gives of a stream, likewise: all pictures, the key frames among them, and the frames that gave none. */
async function picturesOf(archive, options) {
	const [pictures, keys, failures] = [[], [], []];
	const onFailure = ({ frame, message }) => failures.push(`${frame.timestampMs}: ${message}`);
	for await (const picture of archive.pictures(RANGE, { format: 'rgb24', decoder, onFailure, ...options })) {
		const hash = createHash('md5').update(picture.data).digest('hex');
		pictures.push(`${Math.round(picture.timestampMs)} ${hash}`);
		if (picture.keyframe) keys.push(pictures.at(-1));
	}
	return { pictures, keys, failures };
}

/** Where two lists differ, in a few words; null where they do not. */
function difference(found, expected) {
	const at = found.findIndex((item, index) => item !== expected[index]);
	if (at < 0 && found.length === expected.length) return null;
	const place = at < 0 ? found.length : at;
	return `${found.length} pictures, not ${expected.length}; number ${place} is ${found[place]}, not ${expected[place]}`;
}

/** What differs in a kind of film, a line each, and how many pictures were compared. */
async function judge(what, streamName) {
	const expected = [];
	for (const [part, film] of (Array.isArray(what) ? what : [what]).entries()) {
		const startMs = START_MS + part * FILM_MS;
		const { file, plain } = await make(film, join(directory, `${streamName}-${part}`));
		await server.archive.ingest(streamName, file, { start: new Date(startMs) });
		expected.push(...(await picturesByFfmpeg(plain, startMs)));
	}
	const archive = new KvsArchive({ streamName, endpoint: server.endpoint });
	const troubles = [];
	for (const decoders of DECODERS) {
		const all = await picturesOf(archive, { decoders });
		const alone = await picturesOf(archive, { decoders, select: 'keyframes' });
		// With intra refresh only the first key frame is a whole picture.
		const keys = what.hasWholeKeys === false ? all.keys.slice(0, 1) : all.keys;
		const found = {
			all: difference(all.pictures, expected),
			failures: all.failures[0] ?? null,
			'key frames': difference(alone.pictures, keys),
			'failures of key frames': alone.failures[all.keys.length - keys.length] ?? null,
		};
		for (const [where, trouble] of Object.entries(found))
			if (trouble !== null) troubles.push(`${decoders} decoders, ${where}: ${trouble}`);
	}
	await archive.close();
	return { troubles, count: expected.length };
}

const directory = scratch();
const server = createArchiveServer({ dataDirectory: join(directory, 'data') });
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const wanted = process.argv[2] ?? '';
const kinds = Object.entries(KINDS).filter(([name]) => name.includes(wanted));
let differing = 0;
const beganMs = performance.now();
for (const [nth, [name, what]] of kinds.entries()) {
	const { troubles, count } = await judge(what, `kind-${nth}`);
	if (troubles.length > 0) differing++;
	say(`${troubles.length === 0 ? 'equal  ' : 'DIFFERS'} ${name}: ${count} pictures`);
	for (const trouble of troubles) say(`  ${trouble}`);
}
server.close();
server.closeAllConnections();
const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
say(`${kinds.length} kinds of film in ${seconds} s, ${differing} differ`);
process.exitCode = differing > 0 ? 1 : 0;
