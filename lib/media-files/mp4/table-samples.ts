import { counted } from '../../wording/counted.js';
import type { Mp4Sample } from './mp4-sample.js';
import { fieldsOf, type Mp4Track, unreadable } from './mp4-track.js';
import { RunLengthTable } from './run-length-table.js';

/** As many PCM frames as become one frame of Matroska: 21 ms at 48 kHz. */
const PCM_PACKET_FRAMES = 1024;

/**
 * The samples that a track's sample table names, in decode order (ISO 14496-12 §8.5 to §8.7). Holds nothing but its place in
 * the tables.
 *
 * `pcmFrameBytes` is the size of one PCM frame of all channels, null for other codecs. QuickTime's PCM has a sample for each
 * frame: as many as 1024 of a chunk are put together. Where the table gives larger sizes, its samples are packets and come
 * as they are. Throws `MediaError` where the chunks hold fewer samples than the table names.
 */
export function* tableSamples(track: Mp4Track, pcmFrameBytes: number | null): Generator<Mp4Sample> {
	const sizes = new SampleSizes(track);
	const steps = new RunLengthTable(fieldsOf(track.sampleTable, 'stts'), { isSigned: false });
	// Writers put negative offsets into tables of version 0 as well.
	const offsets = new RunLengthTable(fieldsOf(track.sampleTable, 'ctts'), { isSigned: true });
	const keyframes = new SyncSamples(fieldsOf(track.sampleTable, 'stss'), track.handler === 'vide');
	const framesTogether =
		pcmFrameBytes !== null && sizes.constant > 0 && sizes.constant <= pcmFrameBytes ? PCM_PACKET_FRAMES : 1;
	// Old files give 1 as the size of every sample of PCM.
	const frameBytes = framesTogether > 1 ? pcmFrameBytes : null;
	let decodeTicks = 0;
	let sample = 0;
	for (const { position, samples, description } of chunksOf(track)) {
		const end = Math.min(sample + samples, sizes.count);
		for (let offset = position; sample < end; ) {
			const together = Math.min(framesTogether, end - sample);
			const sizeBytes = frameBytes === null ? sizes.at(sample) : together * frameBytes;
			const compositionTicks = decodeTicks + offsets.advance(1);
			if (together > 1) offsets.advance(together - 1);
			const durationTicks = steps.advance(together);
			const isKeyframe = keyframes.has(sample + 1);
			yield { offset, sizeBytes, decodeTicks, compositionTicks, durationTicks, isKeyframe, description };
			decodeTicks += durationTicks;
			offset += sizeBytes;
			sample += together;
		}
		if (sample === sizes.count) return;
	}
	if (sample < sizes.count) {
		throw unreadable(
			`track ${track.id} names ${counted(sizes.count, 'sample')}, and its chunks hold ${sample}`,
		);
	}
}

/** The sizes of samples, of either form of the table (§8.7.3). */
class SampleSizes {
	readonly count: number;
	/** The size that all have; 0 where each has its own. */
	readonly constant: number;
	readonly #table: Buffer;
	readonly #bits: number;

	constructor({ id, sampleTable }: Mp4Track) {
		const table = fieldsOf(sampleTable, 'stsz');
		const compact = fieldsOf(sampleTable, 'stz2');
		this.#table = table ?? compact ?? Buffer.alloc(12);
		this.#bits = table === null && compact !== null ? this.#table.readUInt8(7) : 32;
		this.constant = table === null ? 0 : table.readUInt32BE(4);
		this.count = this.#table.readUInt32BE(8);
		const neededBytes = this.constant === 0 ? Math.ceil((this.count * this.#bits) / 8) : 0;
		if (![4, 8, 16, 32].includes(this.#bits) || 12 + neededBytes > this.#table.byteLength) {
			throw unreadable(
				`track ${id} names ${counted(this.count, 'sample')}, more than its table has room for`,
			);
		}
	}

	at(sample: number): number {
		if (this.constant > 0) return this.constant;
		if (this.#bits > 4) return this.#table.readUIntBE(12 + (sample * this.#bits) / 8, this.#bits / 8);
		const pair = this.#table.readUInt8(12 + (sample >> 1));
		return sample % 2 === 0 ? pair >> 4 : pair & 0x0f;
	}
}

/** Which samples are key frames (§8.6.2): all where the table is absent. Called in ascending order. */
class SyncSamples {
	readonly #table: Buffer | null;
	#entry = 0;

	constructor(table: Buffer | null, isVideo: boolean) {
		this.#table = isVideo ? table : null;
	}

	has(number: number): boolean {
		const table = this.#table;
		if (table === null) return true;
		const entries = table.readUInt32BE(4);
		while (this.#entry < entries && table.readUInt32BE(8 + 4 * this.#entry) < number) this.#entry++;
		return this.#entry < entries && table.readUInt32BE(8 + 4 * this.#entry) === number;
	}
}

interface SampleChunk {
	readonly position: number;
	readonly samples: number;
	readonly description: number;
}

/** The chunks of a track, in order (§8.7.4, §8.7.5). */
function* chunksOf({ sampleTable }: Mp4Track): Generator<SampleChunk> {
	const wide = fieldsOf(sampleTable, 'co64');
	const positions = wide ?? fieldsOf(sampleTable, 'stco');
	const runs = fieldsOf(sampleTable, 'stsc');
	if (positions === null || runs === null) return;
	const chunks = positions.readUInt32BE(4);
	const entries = runs.readUInt32BE(4);
	for (let chunk = 1, entry = -1; chunk <= chunks; chunk++) {
		while (entry + 1 < entries && runs.readUInt32BE(8 + 12 * (entry + 1)) <= chunk) entry++;
		if (entry < 0) continue;
		const at = chunk - 1;
		yield {
			position:
				wide === null ? positions.readUInt32BE(8 + 4 * at) : Number(positions.readBigUInt64BE(8 + 8 * at)),
			samples: runs.readUInt32BE(8 + 12 * entry + 4),
			description: runs.readUInt32BE(8 + 12 * entry + 8),
		};
	}
}
