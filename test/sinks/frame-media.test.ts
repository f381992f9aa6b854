// Longer than 300 lines: media are encoded once for each codec, and written into every container.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import { type Frame, type MediaEvent, MkvReader, MkvSink, Mp4Sink, type Track, WavSink } from 'kvs-archive';
import { splitLengths } from '#lib/codecs/nal/nal-format.js';
import { storedParameterSets } from '#lib/codecs/nal/parameter-sets.js';
import { element, float, master, type Slices, string, unsigned } from '#lib/ebml/ebml-writer.js';
import type { BlockFields } from '#lib/mkv/matroska-writer.js';
import { matroskaFrames } from '../helpers/media/matroska-frames.js';
import { fragmentDocument, fragmentNumber, trackEntry } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

/** A recording as ffmpeg encodes it: two seconds, a key frame every half. */
interface Encoded {
	readonly track: Track;
	readonly frames: readonly Frame[];
}

async function encode(t: ExecutionContext, args: readonly string[]): Promise<Encoded> {
	const file = join(await temporaryDirectory(t), 'source.mkv');
	const { code, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', ...args, file]);
	t.is(code, 0, stderr);
	const frames = await matroskaFrames(file);
	return { track: (frames[0] as Frame).track, frames };
}

const video = ['-i', 'testsrc2=s=162x122:r=20:d=2', '-g', '10', '-bf', '0', '-preset', 'ultrafast'];
const encoders = {
	avc: [...video, '-c:v', 'libx264'],
	hevc: [...video, '-c:v', 'libx265', '-x265-params', 'log-level=none'],
} as const;

/** What a producer may make of a frame, and of the parameter sets. */
type Store = (units: readonly Uint8Array[]) => Uint8Array;
const startCodes =
	(zeros: number): Store =>
	(units) =>
		Buffer.concat(units.flatMap((unit) => [Buffer.alloc(zeros), Buffer.of(1), unit]));
const lengths: Store = (units) =>
	Buffer.concat(
		units.flatMap((unit) => {
			const length = Buffer.alloc(4);
			length.writeUInt32BE(unit.byteLength);
			return [length, unit];
		}),
	);

interface Producer {
	/** Null: as ffmpeg writes it. */
	readonly codecPrivate: Store | 'record' | 'none';
	readonly frame: Store;
	/** Which frames have nothing in them but this. */
	readonly empty?: Readonly<Record<number, string>>;
	/** Which key frames bring the parameter sets. @default none */
	readonly sets?: 'all' | 'first';
	readonly size?: readonly [number, number] | null;
}

const producers: Readonly<Record<string, Producer>> = {
	'a record, lengths': { codecPrivate: 'record', frame: lengths },
	'a record, start codes': { codecPrivate: 'record', frame: startCodes(3) },
	'start codes, lengths': { codecPrivate: startCodes(3), frame: lengths },
	'start codes, start codes after a zero more': { codecPrivate: startCodes(4), frame: startCodes(5) },
	'no CodecPrivate, start codes': { codecPrivate: 'none', frame: startCodes(2), sets: 'all' },
	'no CodecPrivate, lengths, parameter sets once': { codecPrivate: 'none', frame: lengths, sets: 'first' },
	'frames without a byte': { codecPrivate: 'record', frame: lengths, empty: { 3: '', 9: '', 25: '' } },
	'frames of start codes alone': {
		codecPrivate: 'record',
		frame: startCodes(3),
		empty: { 3: '00000001', 9: '000001', 25: '0000000001000001' },
	},
	'another size': { codecPrivate: 'record', frame: lengths, size: [640, 480] },
	'no size': { codecPrivate: 'record', frame: lengths, size: null },
};

/** The recording as such a producer sends it: a fragment for every key frame. */
function produce(
	{ track, frames }: Encoded,
	codec: 'avc' | 'hevc',
	{ codecPrivate, frame: store, empty = {}, sets: bring, size = [162, 122] }: Producer,
): Buffer {
	const record = track.codecPrivate as Uint8Array;
	const sets = storedParameterSets(record, codec);
	const described = codecPrivate === 'record' ? record : codecPrivate === 'none' ? null : codecPrivate(sets);
	const entry = trackEntry(1, 'video', track.codecId, [
		...(described === null ? [] : [element('CodecPrivate', [described])]),
		...(size === null
			? []
			: [master('Video', [unsigned('PixelWidth', size[0]), unsigned('PixelHeight', size[1])])]),
	]);
	const documents: { first: number; blocks: BlockFields[] }[] = [];
	for (const [index, { data, keyframe }] of frames.entries()) {
		if (keyframe) documents.push({ first: index, blocks: [] });
		const { first, blocks } = documents.at(-1) as { first: number; blocks: BlockFields[] };
		const brings = keyframe && (bring === 'all' || (bring === 'first' && index === 0));
		const stored = empty[index];
		blocks.push({
			trackNumber: 1,
			relativeTicks: (index - first) * 50,
			keyframe,
			data:
				stored === undefined
					? store([...(brings ? sets : []), ...splitLengths(data, 4)])
					: Buffer.from(stored, 'hex'),
		});
	}
	return Buffer.concat(
		documents.map(({ first, blocks }, index) =>
			fragmentDocument({
				number: fragmentNumber(index + 1),
				producerMs: startMs + first * 50,
				tracks: [entry],
				blocks,
			}),
		),
	);
}

async function write(payload: Buffer, sink: Writable): Promise<void> {
	await pipeline(Readable.from([payload]), new MkvReader(), sink);
}

/** What ffmpeg makes of files. */
interface Read {
	/** Of each file its streams: codec, size or rate and channels, and how many frames came of decoding it. */
	readonly streams: readonly (readonly string[])[];
	/** What it complains of, in any of them. */
	readonly complaints: string;
}

/** Reads files in one process: the start of one takes longer than a file. */
async function read(t: ExecutionContext, files: readonly string[]): Promise<Read> {
	const list = (file: string, what: string): string => `${file}.${what}.txt`;
	const hash = ['-f', 'framehash', '-hash', 'crc32'];
	const { code, stderr } = await run('ffmpeg', [
		...'-nostdin -v error'.split(' '),
		...files.flatMap((file) => ['-threads', '1', '-i', file]),
		...files.flatMap((file, index) => {
			const decoded = ['-map', `${index}`, '-fps_mode', 'passthrough', ...hash, list(file, 'decoded')];
			return [...decoded, '-map', `${index}`, '-c', 'copy', ...hash, list(file, 'copied')];
		}),
	]);
	t.is(code, 0, stderr);
	const streams = files.map(async (file) => {
		const decoded = await readFile(list(file, 'decoded'), 'utf8');
		const copied = await readFile(list(file, 'copied'), 'utf8');
		const field = (name: string, stream: string): string | undefined =>
			new RegExp(`^#${name} ${stream}: (.*)$`, 'm').exec(copied)?.[1];
		return [...copied.matchAll(/^#codec_id (\d): (\w+)$/gm)].map(([, stream = '', codec]) => {
			const shape = ['dimensions', 'sample_rate', 'channel_layout_name'].map((name) => field(name, stream));
			const count = decoded.split('\n').filter((line) => line.startsWith(`${stream},`)).length;
			return [codec, ...shape.filter((value) => value !== undefined), count].join(',');
		});
	});
	return { streams: await Promise.all(streams), complaints: stderr };
}

for (const codec of ['avc', 'hevc'] as const) {
	withFfmpeg(
		`${codec}: every container holds what ffmpeg decodes, whatever the producer sends`,
		async (t) => {
			const encoded = await encode(t, encoders[codec]);
			const directory = await temporaryDirectory(t);
			// What a decoder refers to is gone with an empty frame: then it complains.
			for (const hasEmpty of [false, true]) {
				const files: string[] = [];
				const expected: string[] = [];
				for (const [name, producer] of Object.entries(producers)) {
					if ((producer.empty !== undefined) !== hasEmpty) continue;
					const payload = produce(encoded, codec, producer);
					const count = encoded.frames.length - Object.keys(producer.empty ?? {}).length;
					for (const sink of [MkvSink, Mp4Sink]) {
						const file = join(directory, `${name}.${sink === MkvSink ? 'mkv' : 'mp4'}`);
						await write(payload, new sink(file));
						files.push(file);
						expected.push(`${file}: ${codec === 'avc' ? 'h264' : 'hevc'},162x122,${count}`);
					}
				}
				const { streams, complaints } = await read(t, files);
				if (!hasEmpty) t.is(complaints, '');
				t.deepEqual(
					streams.map((of, index) => `${files[index]}: ${of.join(' ')}`),
					expected,
				);
			}
		},
	);
}

withFfmpeg('Matroska that is right already is written as it was read', async (t) => {
	const encoded = await encode(t, encoders.avc);
	const file = join(await temporaryDirectory(t), 'out.mkv');
	await write(produce(encoded, 'avc', producers['a record, lengths'] as Producer), new MkvSink(file));
	const events = Readable.from([await readFile(file)]).compose(new MkvReader()) as AsyncIterable<MediaEvent>;
	let index = 0;
	for await (const event of events) {
		if (event.type !== 'frame') continue;
		t.deepEqual(
			Buffer.from(event.track.codecPrivate as Uint8Array),
			Buffer.from(encoded.track.codecPrivate as Uint8Array),
		);
		t.true(Buffer.from(event.data).equals((encoded.frames[index++] as Frame).data));
	}
	t.is(index, encoded.frames.length);
});

/** Frames of AAC after ADTS headers of 7 bytes, or of 9. */
function adts(block: Uint8Array, rateIndex: number, channels: number, hasChecksum: boolean): Buffer {
	const size = (hasChecksum ? 9 : 7) + block.byteLength;
	const header = Buffer.of(
		0xff,
		hasChecksum ? 0xf0 : 0xf1,
		(1 << 6) | (rateIndex << 2) | (channels >> 2),
		((channels & 3) << 6) | (size >> 11),
		(size >> 3) & 0xff,
		((size & 7) << 5) | 0x1f,
		0xfc,
		...(hasChecksum ? [0, 0] : []),
	);
	return Buffer.concat([header, block]);
}

for (const channels of [1, 2]) {
	withFfmpeg(
		`AAC of ${channels} with ADTS headers is AAC in every container, with a configuration and without`,
		async (t) => {
			const encoded = await encode(t, ['-i', 'sine=d=2:r=48000', '-ac', String(channels), '-c:a', 'aac']);
			const directory = await temporaryDirectory(t);
			const { track, frames } = encoded;
			const files: string[] = [];
			const expected: string[] = [];
			for (const hasConfiguration of [true, false]) {
				for (const [perBlock, hasChecksum] of [
					[1, false],
					[1, true],
					[3, false],
				] as const) {
					const more: Slices[] = hasConfiguration
						? [element('CodecPrivate', [track.codecPrivate as Uint8Array])]
						: [];
					const blocks: BlockFields[] = [];
					for (let index = 0; index + perBlock <= frames.length; index += perBlock) {
						const data = frames
							.slice(index, index + perBlock)
							.map((frame) => adts(frame.data, 3, channels, hasChecksum));
						const relativeTicks = Math.round((index * 1024) / 48);
						blocks.push({ trackNumber: 1, relativeTicks, keyframe: true, data: Buffer.concat(data) });
					}
					const payload = fragmentDocument({
						number: fragmentNumber(1),
						producerMs: startMs,
						tracks: [trackEntry(1, 'audio', 'A_AAC', more)],
						blocks,
					});
					for (const sink of [MkvSink, Mp4Sink]) {
						const title = `${perBlock} to a block, ${hasConfiguration ? 'configured' : 'not configured'}, ${hasChecksum}`;
						const file = join(directory, `${title}.${sink === MkvSink ? 'mkv' : 'mp4'}`);
						await write(payload, new sink(file));
						files.push(file);
						const layout = channels === 1 ? 'mono' : 'stereo';
						expected.push(`${file}: aac,48000,${layout},${blocks.length * perBlock}`);
					}
				}
			}
			const { streams, complaints } = await read(t, files);
			t.is(complaints, '');
			t.deepEqual(
				streams.map((of, index) => `${files[index]}: ${of.join(' ')}`),
				expected,
			);
		},
	);
}

const connect = (number: number, name: string): Uint8Array[] =>
	trackEntry(number, 'audio', 'A_AAC', [string('Name', name)]);

withFfmpeg('what Amazon Connect sends is PCM in Matroska too', async (t) => {
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const blocks = Array.from({ length: 20 }, (_, index) => ({
		trackNumber: 1 + (index % 2),
		relativeTicks: 125 * Math.floor(index / 2),
		keyframe: true,
		data: Buffer.alloc(2000, index),
	}));
	const tracks = [connect(1, 'AUDIO_FROM_CUSTOMER'), connect(2, 'AUDIO_TO_CUSTOMER')];
	await write(
		fragmentDocument({ number: fragmentNumber(1), producerMs: startMs, tracks, blocks }),
		new MkvSink(file),
	);
	t.deepEqual(await read(t, [file]), {
		streams: [['pcm_s16le,8000,mono,10', 'pcm_s16le,8000,mono,10']],
		complaints: '',
	});
});

withFfmpeg('in WAV the time of an empty block is silence, and no sample moves', async (t) => {
	const file = join(await temporaryDirectory(t), 'out.wav');
	const pcm = trackEntry(1, 'audio', 'A_PCM/INT/LIT', [
		master('Audio', [float('SamplingFrequency', 8000), unsigned('Channels', 1), unsigned('BitDepth', 16)]),
	]);
	const fragment = (second: number): Buffer =>
		fragmentDocument({
			number: fragmentNumber(second + 1),
			producerMs: startMs + second * 1000,
			tracks: [pcm],
			blocks: Array.from({ length: 50 }, (_, index) => ({
				trackNumber: 1,
				relativeTicks: index * 20,
				keyframe: true,
				data: index === 7 || (second === 0 && index === 49) ? Buffer.alloc(0) : Buffer.alloc(320, index + 1),
			})),
		});
	await write(Buffer.concat([fragment(0), fragment(1)]), new WavSink(file));
	const samples = (await readFile(file)).subarray(-32_000);
	for (let block = 0; block < 100; block++) {
		const isEmpty = block % 50 === 7 || block === 49;
		t.deepEqual(
			samples.subarray(320 * block, 320 * (block + 1)),
			Buffer.alloc(320, isEmpty ? 0 : (block % 50) + 1),
			`${block}`,
		);
	}
});
