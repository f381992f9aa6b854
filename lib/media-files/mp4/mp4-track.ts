import { MediaError } from '../../errors.js';
import type { Box } from '../../mp4/box.js';
import { boxesAt } from '../../mp4/box-tree.js';

/** What a `moov` box says of a track, its samples aside (ISO 14496-12 §8.3 to §8.6). */
export interface Mp4Track {
	readonly id: number;
	/** `vide`, `soun`, `text`, `tmcd`… */
	readonly handler: string;
	/** Ticks a second. */
	readonly timescale: number;
	/** The sample entries, each as its type and its whole body. */
	readonly descriptions: readonly { readonly type: string; readonly body: Buffer }[];
	readonly edits: TrackEdits;
	/** The boxes of its sample table. */
	readonly sampleTable: readonly Box[];
	readonly fragmentDefaults: FragmentDefaults;
}

/** What a track's edit list says of the times of its samples (§8.6.6). */
export interface TrackEdits {
	/** Seconds of the file in which the track has not begun yet. */
	readonly delaySeconds: number;
	/** The time of the track's media at which it begins, in its timescale. */
	readonly mediaTime: number;
	/** Where the edit ends in the track's media, in its timescale; null where it has no end. */
	readonly endTime: number | null;
	/** How many parts of the media are shown one after the other. */
	readonly parts: number;
}

/** What holds for the samples of a fragment that does not say (`trex`, §8.8.3). */
export interface FragmentDefaults {
	readonly description: number;
	readonly durationTicks: number;
	readonly sizeBytes: number;
	readonly flags: number;
}

/** The tracks of a `moov` box, in order. Throws `MediaError` where one cannot be read. */
export function readMp4Tracks(moov: readonly Box[]): Mp4Track[] {
	const movieHeader = fieldsOf(moov, 'mvhd');
	const movieTimescale = movieHeader?.readUInt32BE(movieHeader[0] === 1 ? 20 : 12) || 1000;
	const defaults = boxesAt(moov, 'mvex/trex').map(({ fields }) => Buffer.from(fields));
	return boxesAt(moov, 'trak').map(({ children }) => readTrack(children, movieTimescale, defaults));
}

function readTrack(trak: readonly Box[], movieTimescale: number, defaults: readonly Buffer[]): Mp4Track {
	const header = fieldsOf(trak, 'tkhd');
	const mediaHeader = fieldsOf(trak, 'mdia/mdhd');
	if (header === null || mediaHeader === null) throw unreadable('a track without its headers');
	const id = header.readUInt32BE(header[0] === 1 ? 20 : 12);
	const timescale = mediaHeader.readUInt32BE(mediaHeader[0] === 1 ? 20 : 12);
	if (timescale === 0) throw unreadable(`track ${id} has a timescale of 0`);
	const extension = defaults.find((fields) => fields.readUInt32BE(4) === id);
	return {
		id,
		handler: fieldsOf(trak, 'mdia/hdlr')?.toString('latin1', 8, 12) ?? '',
		timescale,
		descriptions: readDescriptions(fieldsOf(trak, 'mdia/minf/stbl/stsd')),
		edits: readEdits(fieldsOf(trak, 'edts/elst'), movieTimescale, timescale),
		sampleTable: boxesAt(trak, 'mdia/minf/stbl')[0]?.children ?? [],
		fragmentDefaults: {
			description: extension?.readUInt32BE(8) ?? 1,
			durationTicks: extension?.readUInt32BE(12) ?? 0,
			sizeBytes: extension?.readUInt32BE(16) ?? 0,
			flags: extension?.readUInt32BE(20) ?? 0,
		},
	};
}

function readDescriptions(fields: Buffer | null): { type: string; body: Buffer }[] {
	const descriptions: { type: string; body: Buffer }[] = [];
	for (let at = 8; fields !== null && at + 8 <= fields.byteLength; ) {
		const sizeBytes = fields.readUInt32BE(at);
		if (sizeBytes < 8) break;
		const type = fields.toString('latin1', at + 4, at + 8);
		descriptions.push({ type, body: fields.subarray(at + 8, at + sizeBytes) });
		at += sizeBytes;
	}
	return descriptions;
}

function readEdits(fields: Buffer | null, movieTimescale: number, timescale: number): TrackEdits {
	let delaySeconds = 0;
	let mediaTime = 0;
	let endTime: number | null = null;
	let parts = 0;
	const isWide = fields?.[0] === 1;
	const entryBytes = isWide ? 20 : 12;
	const count = fields === null ? 0 : fields.readUInt32BE(4);
	for (let at = 8, index = 0; fields !== null && index < count; index++, at += entryBytes) {
		const duration = isWide ? Number(fields.readBigUInt64BE(at)) : fields.readUInt32BE(at);
		const time = isWide ? Number(fields.readBigInt64BE(at + 8)) : fields.readInt32BE(at + 4);
		if (time < 0) {
			// Time in which there is nothing: before the media it is a late start.
			if (parts === 0) delaySeconds += duration / movieTimescale;
		} else if (parts++ === 0) {
			mediaTime = time;
			endTime = duration === 0 ? null : time + (duration * timescale) / movieTimescale;
		}
	}
	return { delaySeconds, mediaTime, endTime, parts };
}

/** The fields of the first box at a path; null where there is none. */
export function fieldsOf(boxes: readonly Box[], path: string): Buffer | null {
	const [found] = boxesAt(boxes, path);
	return found === undefined
		? null
		: Buffer.from(found.fields.buffer, found.fields.byteOffset, found.fields.byteLength);
}

/** The error of an MP4 whose boxes contradict each other. */
export function unreadable(message: string, cause?: unknown): MediaError {
	return new MediaError('KVS_MEDIA_UNSUPPORTED', `the MP4 cannot be read: ${message}`, { cause });
}

/** The error of a file that ends at `offset`, where it did not when it was opened. */
export function becameShorter(offset: number): MediaError {
	return unreadable(`the file became shorter while it was read, at byte ${offset}`);
}
