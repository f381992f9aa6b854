// Longer than 300 lines: one container, with the tools that make files of it and change their boxes.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import { MediaError } from '#lib/errors.js';
import { fragmentSamples } from '#lib/media-files/mp4/fragment-samples.js';
import { readMp4Tracks } from '#lib/media-files/mp4/mp4-track.js';
import { tableSamples } from '#lib/media-files/mp4/table-samples.js';
import type { Frame } from '#lib/model/media-event.js';
import { type Box, box, bytesOfBox, container, fullBox, uint32 } from '#lib/mp4/box.js';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import { initSegment } from '#lib/mp4/init-segment.js';
import { testWith, withFfmpeg } from '../../helpers/needs.js';
import { startServer } from '../../helpers/service/start-server.js';
import { run, temporaryDirectory } from '../../helpers/tools.js';
import { type Ingested, ingest, START } from './ingested.js';

const video = ['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25:duration=4'];
const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=4:sample_rate=48000'];
const h264 = ['-c:v', 'libx264', '-g', '25', '-bf', '2'];

/** Makes a file with ffmpeg; its path. */
async function make(directory: string, name: string, ...options: string[]): Promise<string> {
	const file = join(directory, name);
	const { code, stderr } = await run('ffmpeg', ['-v', 'error', '-y', ...options, file]);
	if (code !== 0) throw new Error(stderr);
	return file;
}

/** Writes a file whose `moov`, which must be its last box, is another. */
async function withMoov(file: string, target: string, change: (moov: Box) => Box): Promise<void> {
	const bytes = await readFile(file);
	const boxes = readBoxes(bytes);
	const moov = boxes.at(-1) as Box;
	if (moov.type !== 'moov') throw new Error(`the last box is ${moov.type}`);
	const before = boxes.slice(0, -1);
	await writeFile(target, Buffer.concat([...before, change(moov)].map(bytesOfBox)));
}

/** The same boxes, those of a type replaced. */
function replace(from: Box, type: string, change: (found: Box) => Box): Box {
	if (from.type === type) return change(from);
	return { ...from, children: from.children.map((child) => replace(child, type, change)) };
}

async function packetsOf(file: string, stream: string): Promise<{ pts_time: string; size: string }[]> {
	const entries = ['-show_entries', 'packet=pts_time,size', '-select_streams', stream, '-of', 'json', file];
	return JSON.parse((await run('ffprobe', ['-v', 'error', ...entries])).stdout).packets;
}

withFfmpeg('samples in moov and in moofs are all taken', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const files: [string, string[], number[]][] = [
		['hybrid.mp4', [...video, ...h264, '-movflags', 'frag_keyframe'], [100]],
		[
			'hybrid-audio.mov',
			[...video, ...tone, ...h264, '-c:a', 'aac', '-movflags', 'frag_keyframe'],
			[100, 189],
		],
		[
			'fragments.mp4',
			[
				...video,
				...tone,
				...h264,
				'-c:a',
				'libopus',
				'-movflags',
				'frag_keyframe+empty_moov+default_base_moof',
			],
			[100, 201],
		],
		[
			'classic.mp4',
			[...video, ...tone, ...h264, '-c:a', 'aac', '-movflags', 'negative_cts_offsets'],
			[100, 189],
		],
	];
	for (const [name, options, counts] of files) {
		const file = await make(directory, name, ...options);
		const { summary, tracks } = await ingest(started, name, file);
		t.deepEqual(summary.omissions, [], name);
		t.deepEqual(
			[1, 2].flatMap((number) => tracks.get(number)?.length ?? []),
			counts,
			name,
		);
		// Opus is later by the delay of its decoder, which Matroska takes off again. START names the file's first frame.
		const expected = await Promise.all(
			counts.map(async (_, index) => {
				const delayMs = tracks.get(index + 1)?.[0]?.track.codecId === 'A_OPUS' ? 6.5 : 0;
				const packets = await packetsOf(file, `${index}`);
				return packets.map(({ pts_time, size }) => ({
					ms: Number(pts_time) * 1000 + delayMs,
					size: Number(size),
				}));
			}),
		);
		const firstMs = Math.min(...expected.map(([first]) => first?.ms ?? 0));
		for (const [index, packets] of expected.entries()) {
			const frames = tracks.get(index + 1) as Frame[];
			t.deepEqual(
				frames.map(({ data }) => data.byteLength),
				packets.map(({ size }) => size),
				name,
			);
			for (const [at, { ms }] of packets.entries()) {
				const gotMs = ((frames[at] as Frame).timestampMs as number) - START.getTime();
				t.true(
					Math.abs(gotMs - (ms - firstMs)) <= 1.001,
					`${name} ${index} ${at}: ${gotMs} for ${ms - firstMs}`,
				);
			}
		}
	}
});

withFfmpeg('PCM is taken to the byte, its samples single frames or packets', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const raw = await readFile(await make(directory, 'tone.raw', ...tone, '-ac', '2', '-f', 's16le'));
	const single = await make(directory, 'single.mov', ...tone, '-ac', '2', '-c:a', 'pcm_s16le');
	const packets = join(directory, 'packets.mov');
	await withMoov(single, packets, (moov) => {
		const [stts] = readMp4Tracks(moov.children);
		const samples = [...tableSamples(stts as never, 4)];
		const sizes = samples.map(({ sizeBytes }) => sizeBytes);
		const times = samples.map(({ durationTicks }) => uint32(1, durationTicks));
		const positions = samples.map(({ offset }) => offset);
		return replace(moov, 'stbl', (table) =>
			container('stbl', [
				boxesAt([table], 'stbl/stsd')[0] as Box,
				fullBox('stts', 0, 0, [uint32(times.length), ...times]),
				fullBox('stsc', 0, 0, [uint32(1, 1, 1, 1)]),
				fullBox('stsz', 0, 0, [uint32(0, sizes.length, ...sizes)]),
				fullBox('stco', 0, 0, [uint32(positions.length, ...positions)]),
			]),
		);
	});
	for (const file of [single, packets]) {
		const { summary, tracks } = await ingest(started, file.replace(/.*\//, ''), file);
		const frames = tracks.get(1) as Frame[];
		t.deepEqual(summary.omissions, []);
		t.true(Buffer.concat(frames.map(({ data }) => data)).equals(raw), file);
		t.true(frames.length > 100 && frames.length < 200, `${frames.length} frames`);
	}
});

withFfmpeg('a cut file is ingested as far as it goes, and the summary says what is missing', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const fast = await readFile(
		await make(directory, 'fast.mp4', ...video, ...tone, ...h264, '-c:a', 'aac', '-movflags', '+faststart'),
	);
	const fragmented = await readFile(
		await make(directory, 'fragments.mp4', ...video, ...h264, '-movflags', 'frag_keyframe+empty_moov'),
	);
	const classic = await readFile(await make(directory, 'classic.mp4', ...video, ...h264));
	const moofs = readBoxes(fragmented).filter(({ type }) => type === 'moof');
	t.is(moofs.length, 4);
	const thirdMoof = fragmented.indexOf(
		'moof',
		fragmented.indexOf('moof', fragmented.indexOf('moof') + 4) + 4,
	);
	const cut = async (name: string, bytes: Buffer): Promise<Ingested> => {
		const file = join(directory, name);
		await writeFile(file, bytes);
		return ingest(started, name, file);
	};
	const half = await cut('cut.mp4', fast.subarray(0, fast.byteLength - 10_000));
	t.is(half.summary.omissions.length, 2);
	for (const omission of half.summary.omissions) {
		const match =
			/^track \d \((?:video, `avc1`|audio, `mp4a`)\) names (\d+) frames of \d+ bytes; the file ends before (\d+) of them \(\d+ bytes\) do, and (\d+) are taken$/.exec(
				omission,
			);
		const [named = 0, missing = 0, taken = 0] = (match ?? []).slice(1).map(Number);
		t.is(named, missing + taken, omission);
		t.is(half.tracks.get(omission.includes('video') ? 1 : 2)?.length, taken);
	}
	const third = await cut('cut-moof.mp4', fragmented.subarray(0, thirdMoof + 40));
	t.is(third.tracks.get(1)?.length, 50);
	t.deepEqual(third.summary.omissions, [
		`the media ends inside the box \`moof\` that begins at byte ${thirdMoof - 4}; what would follow is not known`,
	]);
	await t.throwsAsync(cut('no-moov.mp4', classic.subarray(0, classic.byteLength - 500)), {
		instanceOf: MediaError,
		code: 'KVS_MEDIA_TRUNCATED',
		message: /the media ends inside the box `moov` that begins at byte \d+$/,
	});
});

testWith('ffmpeg', 'mkvinfo')('rotation, late starts, titles and the delay of Opus are kept', async (t) => {
	const directory = await temporaryDirectory(t);
	const started = await startServer(t);
	const film = await make(directory, 'film.mp4', ...video, ...h264);
	const opus = await make(directory, 'opus.mp4', ...tone, '-c:a', 'libopus');
	const turned = join(directory, 'turned.mp4');
	// A quarter turn: the matrix of `tkhd` maps (x, y) to (-y, x).
	await withMoov(film, turned, (moov) =>
		replace(moov, 'tkhd', ({ type, fields }) => {
			const bytes = Buffer.from(fields);
			uint32(0, 0x10000, 0, 0xffff0000, 0, 0, 120 * 0x10000, 0, 0x40000000).copy(bytes, 40);
			return box(type, bytes);
		}),
	);
	const late = await make(
		directory,
		'late.mp4',
		'-i',
		turned,
		'-itsoffset',
		'0.5',
		'-i',
		opus,
		'-map',
		'0:v',
		'-map',
		'1:a',
		'-c',
		'copy',
		'-metadata',
		'title=Garden',
	);
	const { tracks, tags } = await ingest(started, 'late', late);
	const [videoFrames, audioFrames] = [1, 2].map((number) => tracks.get(number) as Frame[]) as [
		Frame[],
		Frame[],
	];
	const lateMs =
		((audioFrames[0] as Frame).timestampMs as number) - ((videoFrames[0] as Frame).timestampMs as number);
	t.is(lateMs, 500, 'with the delay that CodecDelay takes off again');
	t.true(tags.length > 1 && tags.every((names) => names.includes('TITLE=Garden')), JSON.stringify(tags));
	const payload = join(directory, 'payload.mkv');
	const [fragment] =
		started.server.archive.stream('late')?.fragments.latest('producer', START.getTime(), 1) ?? [];
	const bytes = await readFile(fragment?.payload ?? '');
	await writeFile(
		payload,
		bytes.subarray(fragment?.offset, (fragment?.offset ?? 0) + (fragment?.sizeBytes ?? 0)),
	);
	const said = (await run('mkvinfo', [payload])).stdout;
	t.regex(said, /Codec-inherent delay: 00:00:00.006500000/);
	t.regex(said, /Seek pre-roll: 00:00:00.080000000/);
	t.regex(said, /roll rotation: -90/);

	// And on, into what is exported.
	const { track } = videoFrames[0] as Frame;
	t.is(track.rotation, 90);
	const { bytes: init } = await initSegment([track], { brand: 'mp4' });
	const [header] = boxesAt(readBoxes(init), 'moov/trak/tkhd') as [Box];
	const matrix = Buffer.from(header.fields).subarray(-44, -28);
	t.deepEqual(
		[0, 4, 8, 12].map((at) => matrix.readInt32BE(at)),
		[0, 0x10000, 0, -0x10000],
	);
});

withFfmpeg(
	'tracks that are neither video nor audio are named; encrypted or changing ones are refused',
	async (t) => {
		const directory = await temporaryDirectory(t);
		const started = await startServer(t);
		const subtitles = join(directory, 'words.srt');
		await writeFile(subtitles, '1\n00:00:00,500 --> 00:00:01,500\nhello\n');
		const film = await make(directory, 'film.mp4', ...video, ...h264);
		const words = await make(
			directory,
			'words.mov',
			'-i',
			film,
			'-i',
			subtitles,
			'-map',
			'0',
			'-map',
			'1',
			'-c',
			'copy',
			'-c:s',
			'mov_text',
			'-timecode',
			'01:00:00:00',
		);
		const { summary, tracks } = await ingest(started, 'words', words);
		t.is(tracks.get(1)?.length, 100);
		t.is(summary.omissions.length, 2);
		t.regex(
			summary.omissions.join('\n'),
			/^track 2 \(neither video nor audio, `(tx3g|text)`\) is left out: \d samples of \d+ bytes$/m,
		);
		t.regex(
			summary.omissions.join('\n'),
			/^track 3 \(neither video nor audio, `tmcd`\) is left out: 1 sample of 4 bytes$/m,
		);

		const changes: [string, RegExp, (moov: Box) => Box][] = [
			[
				'encrypted.mp4',
				/track 1 is encrypted \(`encv`\)/,
				(moov) =>
					replace(moov, 'stsd', ({ type, fields }) => {
						const bytes = Buffer.from(fields);
						bytes.write('encv', 12, 'latin1');
						return box(type, bytes);
					}),
			],
			[
				'changing.mp4',
				/track 1 has 2 sample descriptions that differ/,
				(moov) =>
					replace(
						replace(moov, 'stsd', ({ type, fields }) => {
							const second = Buffer.from(fields.subarray(8));
							second.writeUInt16BE(80, 32);
							return box(type, Buffer.concat([uint32(0, 2), fields.subarray(8), second]));
						}),
						'stsc',
						() => fullBox('stsc', 0, 0, [uint32(2, 1, 100, 1, 2, 1, 2)]),
					),
			],
			[
				'promising.mp4',
				/track 1 names 100 samples, and its chunks hold 7/,
				(moov) => replace(moov, 'stsc', () => fullBox('stsc', 0, 0, [uint32(1, 1, 7, 1)])),
			],
		];
		for (const [name, message, change] of changes) {
			const file = join(directory, name);
			await withMoov(film, file, change);
			await t.throwsAsync(ingest(started, name, file), { code: 'KVS_MEDIA_UNSUPPORTED', message }, name);
		}
	},
);

testProp(
	'reading boxes of any bytes ends with samples, a RangeError or a MediaError',
	[
		fc.uint8Array({ minLength: 0, maxLength: 64 }),
		fc.uint8Array({ minLength: 0, maxLength: 64 }),
		fc.boolean(),
	],
	(t, first, second, isWide) => {
		const wide = isWide ? 'co64' : 'stco';
		const table = container('stbl', [
			box('stsz', first),
			box('stts', second),
			box('ctts', first),
			box('stsc', second),
			box(wide, first),
			box('stss', second),
		]);
		const track = {
			id: 1,
			handler: 'vide',
			timescale: 1000,
			descriptions: [],
			edits: { delaySeconds: 0, mediaTime: 0, endTime: null, parts: 0 },
			sampleTable: table.children,
			fragmentDefaults: { description: 1, durationTicks: 1, sizeBytes: 1, flags: 0 },
		};
		const moof = [container('traf', [box('tfhd', first), box('tfdt', second), box('trun', second)])];
		for (const samples of [
			tableSamples(track, null),
			tableSamples(track, 4),
			fragmentSamples(moof, 0, track, 0),
		]) {
			try {
				let count = 0;
				for (const { sizeBytes } of samples) {
					t.true(sizeBytes >= 0);
					if (++count === 1000) break;
				}
			} catch (error) {
				t.true(error instanceof RangeError || error instanceof MediaError, String(error));
			}
		}
	},
);
