import type { SampleTimes } from './sample-times.js';

/** What of a sample stands in a table, besides its times. */
export interface StoredSize {
	readonly sizeBytes: number;
	readonly keyframe: boolean;
}

/** Bytes of one sample in {@link runEntries}. */
export const ENTRY_BYTES = 16;

/** Depends on nothing; depends on others and is not a sync sample (ISO 14496-12 §8.8.3.1). */
const SYNC_SAMPLE = 0x02000000;
const OTHER_SAMPLE = 0x01010000;

/** Per sample: duration, size, flags and composition offset, 32 bits each, as in `trun` (ISO 14496-12 §8.8.8). */
export function runEntries(samples: readonly StoredSize[], times: SampleTimes): Buffer {
	const entries = Buffer.alloc(ENTRY_BYTES * samples.length);
	for (const [index, { sizeBytes, keyframe }] of samples.entries()) {
		const at = ENTRY_BYTES * index;
		entries.writeUInt32BE(times.durationTicks[index] as number, at);
		entries.writeUInt32BE(sizeBytes, at + 4);
		entries.writeUInt32BE(keyframe ? SYNC_SAMPLE : OTHER_SAMPLE, at + 8);
		entries.writeInt32BE(times.offsetTicks[index] as number, at + 12);
	}
	return entries;
}
