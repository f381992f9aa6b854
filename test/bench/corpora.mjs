/*
 * The media that the benchmark reads, made once and kept in the temporary directory. Layout of the service: one document
 * a fragment, Segment of unknown size, service tags before the Cluster and after it. Block sizes have at most 4 bytes,
 * since the peers that stand on `ebml` throw on wider ones.
 */
import {
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	writeFileSync,
	writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elementHeader, float, master, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { sizeOf } from '#lib/model/bytes.js';

const directory = join(tmpdir(), 'kvs-archive-bench');

const video = master('TrackEntry', [
	unsigned('TrackNumber', 1),
	unsigned('TrackUID', 1),
	unsigned('TrackType', 1),
	string('CodecID', 'V_MPEG4/ISO/AVC'),
	string('Name', 'kinesis_video'),
	master('Video', [unsigned('PixelWidth', 1920), unsigned('PixelHeight', 1080)]),
]);

const audio = [1, 2].map((number) =>
	master('TrackEntry', [
		unsigned('TrackNumber', number),
		unsigned('TrackUID', number),
		unsigned('TrackType', 2),
		string('CodecID', 'A_AAC'),
		string('Name', number === 1 ? 'AUDIO_FROM_CUSTOMER' : 'AUDIO_TO_CUSTOMER'),
		master('Audio', [float('SamplingFrequency', 8000), unsigned('Channels', 1)]),
	]),
);

const MIB = 1024 * 1024;

/** What is made: how large, of which frames, and how many of them a fragment has. */
export const corpora = {
	'8 KB frames': { tracks: [video], frameBytes: 8192, frames: 60, tickMs: 33, bytes: 256 * MIB, options: {} },
	'200 KB frames': {
		tracks: [video],
		frameBytes: 204_800,
		frames: 60,
		tickMs: 33,
		bytes: 256 * MIB,
		options: {},
	},
	'320 B audio': {
		tracks: audio,
		frameBytes: 320,
		frames: 100,
		tickMs: 20,
		bytes: 64 * MIB,
		options: { isSizeUnknown: true, sizeLength: 1 },
	},
};

/** Path of a corpus and the truth about it: frames, their bytes, and SimpleTags. Makes it where it is not there. */
export function corpus(name, scale = 1) {
	mkdirSync(directory, { recursive: true });
	const path = join(directory, `${name.replaceAll(' ', '-')}-${scale}.mkv`);
	const truthPath = `${path}.json`;
	if (!existsSync(truthPath)) {
		const truth = make(`${path}.part`, corpora[name], scale);
		renameSync(`${path}.part`, path);
		writeFileSync(truthPath, JSON.stringify(truth));
	}
	return { path, ...JSON.parse(readFileSync(truthPath, 'utf8')) };
}

function make(path, { tracks, frameBytes, frames, tickMs, bytes, options }, scale) {
	const file = openSync(path, 'w');
	const truth = { fileBytes: 0, frames: 0, bytes: 0, tags: 0, fragments: 0 };
	for (let index = 0; truth.fileBytes < bytes * scale; index++) {
		const document = fragment(index, { tracks, frameBytes, frames, tickMs, options });
		writeSync(file, document);
		truth.fileBytes += document.byteLength;
		truth.frames += frames;
		truth.bytes += frames * frameBytes;
		truth.tags += 5;
		truth.fragments++;
	}
	closeSync(file);
	return truth;
}

function fragment(index, { tracks, frameBytes, frames, tickMs, options }) {
	const seconds = 1_511_852_108 + index * 2;
	const number = String(2n ** 156n + BigInt(index));
	const blocks = [];
	for (let i = 0; i < frames; i++) {
		const data = Buffer.alloc(frameBytes, i + 1);
		const trackNumber = tracks.length === 1 ? 1 : 1 + (i % 2);
		const relativeTicks = Math.floor(i / tracks.length) * tickMs;
		blocks.push(
			...block(
				{ trackNumber, relativeTicks, keyframe: i === 0, data },
				{ sizeLength: frameBytes < 16_000 ? 2 : 3 },
			),
		);
	}
	const body = cluster(0n, blocks, options);
	const slices = [
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(1_000_000),
		...master('Tracks', tracks),
		...tags({
			FRAGMENT_NUMBER: number,
			SERVER_TIMESTAMP: `${seconds + 1}.126`,
			PRODUCER_TIMESTAMP: `${seconds}.513`,
		}),
		...body,
		...tags({ MILLIS_BEHIND_NOW: '15858', CONTINUATION_TOKEN: number }),
	];
	return Buffer.concat(slices, sizeOf(slices));
}

function tags(values) {
	const simple = Object.entries(values).map(([name, value]) =>
		master(
			'SimpleTag',
			[
				string('TagName', `AWS_KINESISVIDEO_${name}`, { sizeLength: 4 }),
				string('TagString', value, { sizeLength: 4 }),
			],
			{ sizeLength: 4 },
		),
	);
	return master('Tags', [master('Tag', simple, { sizeLength: 4 })], { sizeLength: 4 });
}
