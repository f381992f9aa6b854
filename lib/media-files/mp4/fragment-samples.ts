import type { Box } from '../../mp4/box.js';
import { boxesAt } from '../../mp4/box-tree.js';
import type { Mp4Sample } from './mp4-sample.js';
import { fieldsOf, type Mp4Track } from './mp4-track.js';

const IS_NON_SYNC = 0x00010000;

/**
 * The samples of a track in one movie fragment, in decode order (ISO 14496-12 §8.8). `moof` are the boxes within it,
 * `moofOffset` is where it begins in the file; `continuesAt` is the decode time that the track had come to before, for a
 * fragment that does not give its own.
 */
export function* fragmentSamples(
	moof: readonly Box[],
	moofOffset: number,
	track: Mp4Track,
	continuesAt: number,
): Generator<Mp4Sample> {
	// By default the samples of a track follow those of the track before it.
	let dataEnd = moofOffset;
	let decodeTicks = continuesAt;
	for (const { children } of boxesAt(moof, 'traf')) {
		const header = readHeader(fieldsOf(children, 'tfhd'), track, moofOffset, dataEnd);
		if (header === null) continue;
		const isMine = header.trackId === track.id;
		if (isMine) decodeTicks = readDecodeTime(fieldsOf(children, 'tfdt')) ?? decodeTicks;
		let offset = header.baseOffset;
		for (const { fields } of boxesAt(children, 'trun')) {
			const run = readRun(Buffer.from(fields.buffer, fields.byteOffset, fields.byteLength), header);
			if (run.dataOffset !== null) offset = header.baseOffset + run.dataOffset;
			for (const entry of run.entries()) {
				const { durationTicks, sizeBytes, isKeyframe, compositionOffset } = entry;
				if (isMine) {
					const compositionTicks = decodeTicks + compositionOffset;
					const { description } = header;
					yield { offset, sizeBytes, decodeTicks, compositionTicks, durationTicks, isKeyframe, description };
					decodeTicks += durationTicks;
				}
				offset += sizeBytes;
			}
		}
		dataEnd = offset;
	}
}

interface FragmentHeader {
	readonly trackId: number;
	readonly baseOffset: number;
	readonly description: number;
	readonly durationTicks: number;
	readonly sizeBytes: number;
	readonly flags: number;
}

/** `tfhd` (§8.8.7): each of its fields is there where a flag says so. */
function readHeader(
	fields: Buffer | null,
	{ fragmentDefaults: defaults }: Mp4Track,
	moofOffset: number,
	dataEnd: number,
): FragmentHeader | null {
	if (fields === null) return null;
	const flags = fields.readUIntBE(1, 3);
	let at = 8;
	const optional = (flag: number, otherwise: number): number => {
		if ((flags & flag) === 0) return otherwise;
		at += 4;
		return fields.readUInt32BE(at - 4);
	};
	let baseOffset = (flags & 0x020000) === 0 ? dataEnd : moofOffset;
	if ((flags & 0x000001) !== 0) {
		baseOffset = Number(fields.readBigUInt64BE(at));
		at += 8;
	}
	return {
		trackId: fields.readUInt32BE(4),
		baseOffset,
		description: optional(0x000002, defaults.description),
		durationTicks: optional(0x000008, defaults.durationTicks),
		sizeBytes: optional(0x000010, defaults.sizeBytes),
		flags: optional(0x000020, defaults.flags),
	};
}

/** `tfdt` (§8.8.12). */
function readDecodeTime(fields: Buffer | null): number | null {
	if (fields === null) return null;
	return fields[0] === 1 ? Number(fields.readBigUInt64BE(4)) : fields.readUInt32BE(4);
}

interface RunEntry {
	readonly durationTicks: number;
	readonly sizeBytes: number;
	readonly isKeyframe: boolean;
	readonly compositionOffset: number;
}

/** `trun` (§8.8.8). */
function readRun(
	fields: Buffer,
	header: FragmentHeader,
): { dataOffset: number | null; entries: () => Generator<RunEntry> } {
	const flags = fields.readUIntBE(1, 3);
	const count = fields.readUInt32BE(4);
	let start = 8;
	let dataOffset: number | null = null;
	if ((flags & 0x000001) !== 0) {
		dataOffset = fields.readInt32BE(start);
		start += 4;
	}
	let firstFlags = header.flags;
	if ((flags & 0x000004) !== 0) {
		firstFlags = fields.readUInt32BE(start);
		start += 4;
	}
	function* entries(): Generator<RunEntry> {
		let at = start;
		const optional = (flag: number, otherwise: number): number => {
			if ((flags & flag) === 0) return otherwise;
			at += 4;
			return fields.readUInt32BE(at - 4);
		};
		for (let index = 0; index < count; index++) {
			const durationTicks = optional(0x000100, header.durationTicks);
			const sizeBytes = optional(0x000200, header.sizeBytes);
			const sampleFlags = optional(0x000400, index === 0 ? firstFlags : header.flags);
			const isKeyframe = (sampleFlags & IS_NON_SYNC) === 0;
			// Signed in version 1; writers put negative ones into version 0 as well.
			yield { durationTicks, sizeBytes, isKeyframe, compositionOffset: optional(0x000800, 0) | 0 };
		}
	}
	return { dataOffset, entries };
}
