import type { Mp4File } from './mp4-file.js';
import { orUnreadable } from './mp4-file.js';
import { type Mp4Track, unreadable } from './mp4-track.js';

/** More samples than a year of 48 kHz audio in packets has: a table that claims more is malformed. */
const MAX_SAMPLES = 2_000_000_000;

/** How many samples a track's tables list, and how many of them the file holds. */
export interface SampleTally {
	/** Samples, or packets of PCM frames, that are wholly in the file, and their bytes. */
	samples: number;
	bytes: number;
	/** The same of those that are not. */
	missingSamples: number;
	missingBytes: number;
	/** Times of display before any edit: of the first sample in decode order, and the latest; in the track's timescale. */
	firstTicks: number;
	lastTicks: number;
	/** The numbers of the sample descriptions that are used. */
	readonly descriptions: Set<number>;
}

/** Goes through all that a file's tables say of a track, without reading the samples themselves. */
export async function tallySamples(
	file: Mp4File,
	track: Mp4Track,
	pcmFrameBytes: number | null,
	signal: AbortSignal,
): Promise<SampleTally> {
	const tally: SampleTally = {
		samples: 0,
		bytes: 0,
		missingSamples: 0,
		missingBytes: 0,
		firstTicks: 0,
		lastTicks: Number.NEGATIVE_INFINITY,
		descriptions: new Set(),
	};
	for await (const samples of file.samples(track, pcmFrameBytes)) {
		signal.throwIfAborted();
		orUnreadable(() => {
			for (let next = samples.next(); next.done !== true; next = samples.next()) {
				const { offset, sizeBytes, compositionTicks, description } = next.value;
				if (offset + sizeBytes > file.sizeBytes) {
					tally.missingSamples++;
					tally.missingBytes += sizeBytes;
				} else {
					if (tally.samples === 0) tally.firstTicks = compositionTicks;
					tally.samples++;
					tally.bytes += sizeBytes;
					tally.lastTicks = Math.max(tally.lastTicks, compositionTicks);
					tally.descriptions.add(description);
				}
				if (tally.samples + tally.missingSamples > MAX_SAMPLES) {
					throw unreadable(`track ${track.id} names more than ${MAX_SAMPLES} samples`);
				}
			}
		});
	}
	return tally;
}
