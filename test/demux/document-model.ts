// Longer than 300 lines: bytes and the events that they stand for, side by side, so that one is seen to fit the other.

import fc from 'fast-check';
import { element, master, type Slices, sizeField, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { ebmlHeader } from '#lib/mkv/matroska-writer.js';
import { MAX_TIME_MS } from '#lib/model/max-time.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import type { Tag } from '#lib/model/tag.js';
import { anyText } from '../helpers/any-text.js';

/** How a size is written: unknown, or known, in so many bytes (0: the fewest). */
interface SizeStyle {
	readonly isUnknown: boolean;
	readonly width: number;
}

type Lacing = 'none' | 'xiph' | 'fixed' | 'ebml';

interface BlockModel {
	readonly track: number;
	readonly relativeTicks: number;
	readonly keyframe: boolean;
	readonly lacing: Lacing;
	readonly frames: readonly Uint8Array[];
	/** Null: a SimpleBlock. Else a BlockGroup, with a BlockDuration of so many ticks, or without (-1). */
	readonly groupTicks: number | null;
	readonly sizeWidth: number;
}

interface ClusterModel {
	readonly timecode: bigint;
	readonly size: SizeStyle;
	readonly blocks: readonly BlockModel[];
	readonly clutter: readonly Clutter[];
}

type Clutter = 'void' | 'crc' | 'unknown-id' | 'unknown-id-unknown-size' | 'cues';

interface TagModel {
	readonly name: string;
	readonly values: readonly (string | Uint8Array)[];
	readonly padding: number;
	readonly tags: readonly TagModel[];
}

interface TrackModel {
	readonly number: number;
	readonly uid: bigint;
	readonly defaultDurationNs: number | null;
	readonly name: string;
	readonly padding: string;
}

/** A document as it is meant, from which its bytes and the events they must become are made. */
export interface DocumentModel {
	readonly fragmentNumber: string;
	readonly serverMs: number;
	readonly producerMs: number;
	readonly hasSide: boolean;
	readonly servicePlace: 'before-info' | 'before-cluster';
	readonly scaleNs: number;
	readonly segment: SizeStyle;
	readonly tracks: readonly TrackModel[];
	readonly tagsBefore: readonly TagModel[];
	readonly tagsAfter: readonly TagModel[];
	readonly clusters: readonly ClusterModel[];
	readonly clutter: readonly Clutter[];
}

/** Half of the time that there is: with the producer's time, and either sign, it stays a time. */
const MAX_CLUSTER_NS = BigInt(MAX_TIME_MS / 2) * 1_000_000n;

const anySize: fc.Arbitrary<SizeStyle> = fc.oneof(
	fc.record({ isUnknown: fc.constant(true), width: fc.integer({ min: 1, max: 8 }) }),
	fc.record({ isUnknown: fc.constant(false), width: fc.constantFrom(0, 0, 5, 8) }),
);

const anyClutter = fc.array(
	fc.constantFrom<Clutter>('void', 'crc', 'unknown-id', 'unknown-id-unknown-size', 'cues'),
	{ maxLength: 3 },
);

/** A SimpleTag with others in it, to the given depth. */
function anyTagOf(depth: number): fc.Arbitrary<TagModel> {
	const nested: fc.Arbitrary<TagModel[]> =
		depth === 0 ? fc.constant([]) : fc.array(anyTagOf(depth - 1), { maxLength: 2 });
	return fc.record({
		name: fc.string({ minLength: 1, maxLength: 12 }).map((text) => `T${text.replaceAll('\0', '').trimEnd()}`),
		values: fc.array(
			fc.oneof(
				anyText({ maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
				fc.uint8Array({ maxLength: 8 }),
			),
			{ maxLength: 2 },
		),
		padding: fc.integer({ min: 0, max: 2 }),
		tags: nested,
	});
}

const anyTag = anyTagOf(2);

const anyTracks: fc.Arbitrary<readonly TrackModel[]> = fc.uniqueArray(
	fc.record({
		number: fc.oneof(
			fc.integer({ min: 1, max: 3 }),
			fc.constantFrom(127, 128, 16_382, 16_383, 16_384, 2_097_151, 268_435_456),
		),
		uid: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
		defaultDurationNs: fc.constantFrom(null, 20_000_000, 33_333_333),
		name: fc.constantFrom('kinesis_video', 'AUDIO_FROM_CUSTOMER', 'größe'),
		padding: fc.constantFrom('', '\0\0\0', '   ', '\0junk'),
	}),
	{ minLength: 1, maxLength: 3, selector: ({ number }) => number },
);

function anyBlock(tracks: readonly TrackModel[]): fc.Arbitrary<BlockModel> {
	return fc
		.record({
			track: fc.constantFrom(...tracks.map(({ number }) => number)),
			relativeTicks: fc.integer({ min: -0x8000, max: 0x7fff }),
			keyframe: fc.boolean(),
			lacing: fc.constantFrom<Lacing>('none', 'none', 'xiph', 'fixed', 'ebml'),
			sizes: fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(127, 255, 300, 510)), {
				minLength: 1,
				maxLength: 5,
			}),
			fill: fc.integer({ min: 0, max: 255 }),
			groupTicks: fc.oneof(fc.constant(null), fc.integer({ min: -1, max: 100 })),
			sizeWidth: fc.constantFrom(0, 0, 0, 4, 8),
		})
		.map(({ sizes, fill, ...block }) => {
			const used = block.lacing === 'none' ? sizes.slice(0, 1) : sizes;
			const frames = used.map((size, index) =>
				Uint8Array.from(
					{ length: block.lacing === 'fixed' ? (used[0] as number) : size },
					(_, i) => fill + index + i * 7,
				),
			);
			return { ...block, frames };
		});
}

/** Any document of the service, with everything the format allows that producers and the service do. */
export const anyDocument: fc.Arbitrary<DocumentModel> = anyTracks
	.chain((tracks) =>
		fc.record({
			fragmentNumber: fc.bigInt({ min: 2n ** 156n, max: 2n ** 156n + 2n ** 120n }).map(String),
			serverMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
			producerMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
			hasSide: fc.boolean(),
			servicePlace: fc.constantFrom('before-info' as const, 'before-cluster' as const),
			scaleNs: fc.constantFrom(1_000_000, 1_000_000, 1, 20_833, 100_000, 1_000_000_000),
			segment: anySize,
			tracks: fc.constant(tracks),
			tagsBefore: fc.array(anyTag, { maxLength: 3 }),
			tagsAfter: fc.array(anyTag, { maxLength: 2 }),
			clusters: fc.array(
				fc.record({
					timecode: fc.oneof(fc.bigInt({ min: 0n, max: 10_000n }), fc.bigInt({ min: 0n, max: 2n ** 62n })),
					size: anySize,
					blocks: fc.array(anyBlock(tracks), { maxLength: 6 }),
					clutter: anyClutter,
				}),
				{ maxLength: 3 },
			),
			clutter: anyClutter,
		}),
	)
	.map((document) => ({
		...document,
		clusters: document.clusters.map((cluster) => ({
			...cluster,
			timecode: cluster.timecode % (MAX_CLUSTER_NS / BigInt(document.scaleNs)),
		})),
	}));

/** The document's bytes. */
export function bytesOf(document: DocumentModel): Buffer {
	const { producerMs, serverMs, fragmentNumber } = document;
	const side = document.hasSide ? 'SIDE_' : '';
	const service = tags([
		{ name: 'AWS_KINESISVIDEO_FRAGMENT_NUMBER', values: [fragmentNumber], padding: 0, tags: [] },
		{ name: `AWS_KINESISVIDEO_SERVER_${side}TIMESTAMP`, values: [seconds(serverMs)], padding: 0, tags: [] },
		{
			name: `AWS_KINESISVIDEO_PRODUCER_${side}TIMESTAMP`,
			values: [seconds(producerMs)],
			padding: 1,
			tags: [],
		},
	]);
	const children: Slices[] = [
		...(document.servicePlace === 'before-info' ? [service] : []),
		...clutterOf(document.clutter.filter((kind) => kind !== 'unknown-id-unknown-size')),
		master('Info', [unsigned('TimecodeScale', document.scaleNs, { byteLength: 8 }), string('Title', 'x\0')]),
		master('Tracks', document.tracks.map(trackEntry)),
		tags(document.tagsBefore),
		...(document.servicePlace === 'before-cluster' ? [service] : []),
		...document.clusters.map(clusterOf),
		...clutterOf(document.clutter),
		tags(document.tagsAfter),
	];
	return Buffer.concat([...ebmlHeader(), ...master('Segment', children, sizeOptions(document.segment))]);
}

/** What the events of those documents are, in the form of {@link summaryOf}. */
export function eventsOf(documents: readonly DocumentModel[]): unknown[] {
	return documents.flatMap((document, index) => {
		const { fragmentNumber, producerMs, serverMs, scaleNs } = document;
		const frames = document.clusters.flatMap((cluster) =>
			cluster.blocks.flatMap((block) => framesOf(document, cluster, block)),
		);
		const all = [...serviceTags(document), ...document.tagsBefore.flatMap((tag) => tagOf(tag, 'before'))];
		if (document.servicePlace === 'before-cluster') all.push(...all.splice(0, 3));
		const position = document.clusters.length > 0 ? 'after' : 'before';
		const after = document.tagsAfter.flatMap((tag) => tagOf(tag, position));
		const bytes = frames.reduce((sum, { data }) => sum + data.length / 2, 0);
		return [
			{
				type: 'fragment',
				index,
				fragmentNumber,
				serverMs,
				producerMs,
				tracks: document.tracks.map(({ number, uid, defaultDurationNs, name }) => [
					number,
					uid,
					defaultDurationNs,
					name,
				]),
				tags: position === 'after' ? all : [...all, ...after],
			},
			...frames.map((frame) => ({ type: 'frame', index, fragmentNumber, scaleNs, ...frame })),
			{
				type: 'fragment-end',
				index,
				fragmentNumber,
				frames: frames.length,
				bytes,
				tags: [...all, ...after],
				complete: true,
			},
		].map((event) => ('scaleNs' in event ? Object.assign({}, event, { scaleNs: undefined }) : event));
	});
}

/** An event as plain data: what {@link eventsOf} can be compared with. */
export function summaryOf(event: MediaEvent): unknown {
	switch (event.type) {
		case 'fragment':
			return {
				type: event.type,
				index: event.index,
				fragmentNumber: event.fragmentNumber,
				serverMs: event.serverTimestamp?.getTime(),
				producerMs: event.producerTimestamp?.getTime(),
				tracks: event.tracks.map(({ number, uid, defaultDurationNs, name }) => [
					number,
					uid,
					defaultDurationNs,
					name,
				]),
				tags: event.tags,
			};
		case 'frame':
			return {
				type: event.type,
				index: event.index,
				fragmentNumber: event.fragmentNumber,
				scaleNs: undefined,
				track: event.track.number,
				timecodeNs: event.timecodeNs,
				timestampMs: event.timestampMs,
				keyframe: event.keyframe,
				durationMs: event.durationMs,
				data: Buffer.from(event.data).toString('hex'),
			};
		case 'fragment-end':
			return Object.assign({}, event);
		default:
			return Object.assign({}, event);
	}
}

function framesOf(document: DocumentModel, cluster: ClusterModel, block: BlockModel) {
	const { scaleNs, producerMs, clusters } = document;
	const defaultNs = document.tracks.find(({ number }) => number === block.track)?.defaultDurationNs ?? null;
	const hasDuration = block.groupTicks !== null && block.groupTicks >= 0;
	const count = block.frames.length;
	const durationNs = hasDuration ? ((block.groupTicks as number) * scaleNs) / count : defaultNs;
	const firstNs = (clusters[0] as ClusterModel).timecode * BigInt(scaleNs);
	const clusterNs = cluster.timecode * BigInt(scaleNs);
	return block.frames.map((data, index) => {
		const offsetNs = block.relativeTicks * scaleNs + Math.round(index * (durationNs ?? 0));
		return {
			track: block.track,
			timecodeNs: clusterNs + BigInt(offsetNs),
			timestampMs: producerMs + Number(clusterNs - firstNs) / 1e6 + offsetNs / 1e6,
			keyframe: block.keyframe,
			durationMs: durationNs === null ? null : durationNs / 1e6,
			data: Buffer.from(data).toString('hex'),
		};
	});
}

function serviceTags({ fragmentNumber, serverMs, producerMs, hasSide }: DocumentModel): Tag[] {
	const side = hasSide ? 'SIDE_' : '';
	return [
		['FRAGMENT_NUMBER', fragmentNumber],
		[`SERVER_${side}TIMESTAMP`, seconds(serverMs)],
		[`PRODUCER_${side}TIMESTAMP`, seconds(producerMs)],
	].map(([name, value]) => ({
		name: `AWS_KINESISVIDEO_${name}`,
		value: value as string,
		tags: [],
		position: 'before',
	}));
}

function tagOf(model: TagModel, position: Tag['position']): Tag[] {
	const nested = model.tags.flatMap((tag) => tagOf(tag, position));
	const [value = null, ...more] = model.values;
	return [
		{ name: model.name, value, tags: nested, position },
		...more.map((other) => ({ name: model.name, value: other, tags: [], position })),
	];
}

function seconds(ms: number): string {
	return (ms / 1000).toFixed(3);
}

function tags(models: readonly TagModel[]): Slices {
	return master('Tags', [master('Tag', models.map(simpleTag))]);
}

function simpleTag({ name, values, padding, tags: nested }: TagModel): Slices {
	return master('SimpleTag', [
		...nested.map(simpleTag),
		string('TagName', name + '\0'.repeat(padding)),
		...values.map((value) =>
			typeof value === 'string'
				? string('TagString', value + '\0'.repeat(padding))
				: element('TagBinary', [value]),
		),
	]);
}

function trackEntry({ number, uid, defaultDurationNs, name, padding }: TrackModel): Slices {
	return master('TrackEntry', [
		unsigned('TrackNumber', number),
		unsigned('TrackUID', uid, { byteLength: 8 }),
		unsigned('TrackType', 1),
		string('CodecID', 'V_VP8\0\0'),
		string('Name', name + padding),
		...(defaultDurationNs === null ? [] : [unsigned('DefaultDuration', defaultDurationNs)]),
	]);
}

function clusterOf({ timecode, size, blocks, clutter }: ClusterModel): Slices {
	const kinds = clutter.filter((kind) => kind !== 'cues');
	const children = [
		...clutterOf(kinds),
		unsigned('Timecode', timecode),
		...blocks.map(blockOf),
		...clutterOf(kinds),
	];
	return master('Cluster', children, sizeOptions(size));
}

function blockOf(block: BlockModel): Slices {
	const lacingBits = { none: 0, xiph: 2, fixed: 4, ebml: 6 }[block.lacing];
	const isSimple = block.groupTicks === null;
	const body = Buffer.concat([
		sizeField(block.track),
		Uint8Array.of((block.relativeTicks >> 8) & 0xff, block.relativeTicks & 0xff),
		Uint8Array.of((isSimple && block.keyframe ? 0x80 : 0) | lacingBits),
		lacingOf(block),
		...block.frames,
	]);
	if (isSimple) return element('SimpleBlock', [body], widthOption(block.sizeWidth));
	return master(
		'BlockGroup',
		[
			...(block.keyframe ? [] : [element('ReferenceBlock', [Uint8Array.of(0xff)])]),
			element('Block', [body]),
			...((block.groupTicks as number) >= 0 ? [unsigned('BlockDuration', block.groupTicks as number)] : []),
		],
		widthOption(block.sizeWidth),
	);
}

/** The sizes of all laced frames but the last, after their count (Matroska §10.3). */
function lacingOf({ lacing, frames }: BlockModel): Uint8Array {
	if (lacing === 'none') return Buffer.alloc(0);
	const sizes = frames.slice(0, -1).map(({ byteLength }) => byteLength);
	const fields = sizes.map((size, index) => {
		if (lacing === 'fixed') return Buffer.alloc(0);
		if (lacing === 'xiph') return Buffer.from([...Array(Math.floor(size / 255)).fill(255), size % 255]);
		if (index === 0) return Buffer.from(sizeField(size));
		const difference = size - (sizes[index - 1] as number);
		const width = Math.abs(difference) < 63 ? 1 : 2;
		return Buffer.from(sizeField(difference + 2 ** (7 * width - 1) - 1, { sizeLength: width }));
	});
	return Buffer.concat([Buffer.of(frames.length - 1), ...fields]);
}

const clutterBytes: Readonly<Record<Clutter, Slices>> = {
	void: element('Void', [Buffer.alloc(9)]),
	crc: element('CRC-32', [Buffer.from([1, 2, 3, 4])]),
	cues: master('Cues', [master('CuePoint', [unsigned('CueTime', 1)])]),
	'unknown-id': [Buffer.from([0x5f, 0x11, 0x84, 0x1a, 0x45, 0xdf, 0xa3])],
	'unknown-id-unknown-size': [Buffer.from([0x5f, 0x12, 0xff]), ...element('Void', [Buffer.alloc(3)])],
};

function clutterOf(kinds: readonly Clutter[]): Slices[] {
	return kinds.map((kind) => clutterBytes[kind]);
}

function sizeOptions({ isUnknown, width }: SizeStyle) {
	return { isSizeUnknown: isUnknown, ...widthOption(width) };
}

function widthOption(width: number): { sizeLength?: number } {
	return width === 0 ? {} : { sizeLength: width };
}
