import { type Box, container, fullBox, uint32, uint64 } from './box.js';
import { GrowingTable } from './growing-table.js';
import { ENTRY_BYTES } from './run-entries.js';

/** A run of contiguous samples, as a track fragment has them. */
export interface Chunk {
	/** Decode time of the first sample, in the track's timescale. */
	readonly decodeTicks: number;
	/** Of the first sample's bytes, from the start of the samples of the file. */
	readonly position: number;
	/** See {@link runEntries}. */
	readonly entries: Buffer;
}

/**
 * Ticks that one sample may last, and so a pause: the tables have 32 bits for them, of which ffmpeg takes the largest values
 * for negative ones.
 */
export const MAX_CLASSIC_STEP_TICKS = 2 ** 32 - 2 ** 19;

const IS_NON_SYNC = 0x00010000;

/**
 * Gathers the samples of one track into the tables of a file that is not fragmented (`stbl`, ISO 14496-12 §8.5), some 20
 * bytes a sample.
 */
export class SampleTable {
	readonly #timeToSample = new GrowingTable();
	readonly #compositionOffsets = new GrowingTable();
	readonly #syncSamples = new GrowingTable();
	readonly #samplesPerChunk = new GrowingTable();
	readonly #sizes = new GrowingTable();
	readonly #chunkPositions: number[] = [];
	#hasOffsets = false;
	#lastDurationTicks = 0;
	#lastDecodeTicks = -1;

	/** Adds the next chunk of the track. Throws RangeError for a gap of 2^32 ticks or more, which the tables cannot hold. */
	add({ decodeTicks: firstTicks, position, entries }: Chunk): void {
		const count = entries.byteLength / ENTRY_BYTES;
		this.#chunkPositions.push(position);
		const chunk = this.#chunkPositions.length;
		if (this.#samplesPerChunk.last(1) !== count) this.#samplesPerChunk.push(chunk, count, 1);
		let decodeTicks = firstTicks;
		for (let at = 0; at < entries.byteLength; at += ENTRY_BYTES) {
			this.#addDuration(decodeTicks);
			this.#lastDurationTicks = entries.readUInt32BE(at);
			this.#lastDecodeTicks = decodeTicks;
			decodeTicks += this.#lastDurationTicks;
			this.#sizes.push(entries.readUInt32BE(at + 4));
			const sample = this.#sizes.length;
			if ((entries.readUInt32BE(at + 8) & IS_NON_SYNC) === 0) this.#syncSamples.push(sample);
			const offset = entries.readInt32BE(at + 12);
			this.#hasOffsets ||= offset !== 0;
			this.#compositionOffsets.pushRun(offset);
		}
	}

	/** The tables, with the description of the samples as it is in `description` (`stsd`); samples begin at `dataStart`. */
	box(description: Box, dataStart: number): Box {
		const durations = this.#timeToSample.copy();
		if (this.#lastDecodeTicks >= 0) durations.pushRun(this.#lastDurationTicks);
		const positions = this.#chunkPositions.map((position) => dataStart + position);
		const isLarge = (positions.at(-1) ?? 0) >= 2 ** 32;
		const samples = this.#sizes.length;
		const areAllSync = this.#syncSamples.length === samples;
		return container('stbl', [
			description,
			table('stts', durations, 2),
			...(this.#hasOffsets ? [table('ctts', this.#compositionOffsets, 2)] : []),
			...(areAllSync ? [] : [table('stss', this.#syncSamples, 1)]),
			table('stsc', this.#samplesPerChunk, 3),
			fullBox('stsz', 0, 0, [uint32(0, samples), this.#sizes.bytes]),
			fullBox(isLarge ? 'co64' : 'stco', 0, 0, [
				uint32(positions.length),
				...positions.map((position) => (isLarge ? uint64(position) : uint32(position))),
			]),
		]);
	}

	/** A sample lasts until the next: that is how a gap stays as long as it was. */
	#addDuration(nextDecodeTicks: number): void {
		if (this.#lastDecodeTicks < 0) return;
		const ticks = nextDecodeTicks - this.#lastDecodeTicks;
		if (ticks < 0 || ticks >= 2 ** 32) throw new RangeError(`a sample that lasts ${ticks} ticks`);
		this.#timeToSample.pushRun(ticks);
	}
}

function table(type: string, entries: GrowingTable, width: number): Box {
	return fullBox(type, 0, 0, [uint32(entries.length / width), entries.bytes]);
}
