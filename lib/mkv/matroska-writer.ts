import { registeredCodecId } from '../codecs/codec.js';
import { ID, idOf } from '../ebml/ebml-schema.js';
import {
	element,
	elementHeader,
	idBytes,
	master,
	type SizeOptions,
	type Slices,
	sizeField,
	string,
	unsigned,
} from '../ebml/ebml-writer.js';
import { childrenOf } from '../ebml/element-body.js';
import { sizeOf } from '../model/bytes.js';
import { KEYFRAME_FLAG } from './parser/matroska-handler.js';

/** The program's name in the MuxingApp and WritingApp of what it writes. No version: the same frames give the same bytes. */
export const WRITING_APP = 'kvs-archive';

const CODEC_ID = idOf('CodecID');
const TRACK_ENTRY = idOf('TrackEntry');

/** The EBML header of a Matroska file (RFC 8794 §11.2.1). */
export function ebmlHeader(docType: 'matroska' | 'webm' = 'matroska'): Uint8Array[] {
	return master('EBML', [
		unsigned('EBMLVersion', 1),
		unsigned('EBMLReadVersion', 1),
		unsigned('EBMLMaxIDLength', 4),
		unsigned('EBMLMaxSizeLength', 8),
		string('DocType', docType),
		unsigned('DocTypeVersion', 4),
		unsigned('DocTypeReadVersion', 2),
	]);
}

/** Info with its mandatory children, followed by `more`. */
export function info(timecodeScaleNs: number, more: readonly Slices[] = []): Uint8Array[] {
	return master('Info', [
		unsigned('TimecodeScale', timecodeScaleNs),
		string('MuxingApp', WRITING_APP),
		string('WritingApp', WRITING_APP),
		...more,
	]);
}

/**
 * Tracks of the given TrackEntry bodies. Each is written as it was read, but for what does not hold any more (CRC-32,
 * Void) and for CodecIDs no player knows, which get their registered spelling.
 */
export function tracks(entries: readonly Uint8Array[]): Uint8Array[] {
	return master(
		'Tracks',
		entries.map((entry) => [...elementOf(TRACK_ENTRY, cleanTrackEntry(entry))]),
	);
}

function cleanTrackEntry(entry: Uint8Array): Uint8Array[] {
	const children: Uint8Array[] = [];
	for (const child of childrenOf(entry)) {
		if (child.id === ID.Crc32 || child.id === ID.Void) continue;
		if (child.id === CODEC_ID) {
			const codecId = Buffer.from(child.body).toString('latin1').replace(/\0.*$/s, '').trimEnd();
			children.push(...string('CodecID', registeredCodecId(codecId)));
		} else {
			children.push(...elementOf(child.id, [child.body]));
		}
	}
	return children;
}

/** An element by its id, so that elements the schema does not know can be copied too. */
export function elementOf(id: number, body: Slices): Uint8Array[] {
	return [idBytes(id), sizeField(sizeOf(body)), ...body];
}

/** A block to be written. */
export interface BlockFields {
	readonly trackNumber: number;
	/** Ticks from the Cluster's Timecode, -32,768 to 32,767. */
	readonly relativeTicks: number;
	readonly keyframe: boolean;
	/** Written as a BlockGroup with a BlockDuration where given, as a SimpleBlock without. */
	readonly durationTicks?: number | undefined;
	/** What else a BlockGroup is to say of it, which it then becomes. @default nothing */
	readonly others?: readonly { readonly id: number; readonly body: Uint8Array }[];
	/** Laced frames and other flags are the caller's: bits 0x0f of the flags. @default 0 */
	readonly flags?: number;
	/** The frame; not copied. */
	readonly data: Uint8Array;
}

/** The most a block can be before its Cluster's Timecode, in ticks. */
export const MIN_RELATIVE_TICKS = -0x8000;

/** The most a block can be after its Cluster's Timecode, in ticks. */
export const MAX_RELATIVE_TICKS = 0x7fff;

/** One SimpleBlock, or one BlockGroup where a duration is given (Matroska §10.1, §10.2). */
export function block(fields: BlockFields, options: SizeOptions = {}): Uint8Array[] {
	const { durationTicks, others = [] } = fields;
	const isSimple = durationTicks === undefined && others.length === 0;
	const number = sizeField(fields.trackNumber);
	const head = new Uint8Array(number.byteLength + 3);
	head.set(number);
	const relative = fields.relativeTicks & 0xffff;
	head[number.byteLength] = relative >> 8;
	head[number.byteLength + 1] = relative & 0xff;
	head[number.byteLength + 2] = (isSimple && fields.keyframe ? KEYFRAME_FLAG : 0) | (fields.flags ?? 0);
	const { data } = fields;
	const sizeBytes = head.byteLength + data.byteLength;
	if (isSimple) return [elementHeader('SimpleBlock', sizeBytes, options, head), data];
	const after: Uint8Array[] = [];
	if (durationTicks !== undefined) after.push(...unsigned('BlockDuration', durationTicks));
	// Any reference says "no key frame"; the frame before is the customary one.
	if (!fields.keyframe) after.push(...element('ReferenceBlock', [Uint8Array.of(0xff)]));
	for (const { id, body } of others) after.push(...elementOf(id, [body]));
	const before = elementHeader('Block', sizeBytes, {}, head);
	const groupBytes = before.byteLength + data.byteLength + sizeOf(after);
	return [elementHeader('BlockGroup', groupBytes, options, before), data, ...after];
}

/** A Cluster around blocks that were written before. */
export function cluster(timecode: bigint, blocks: Slices, options: SizeOptions = {}): Uint8Array[] {
	return element('Cluster', [...unsigned('Timecode', timecode), ...blocks], options);
}
