import { MAX_FRAGMENT_BYTES } from '../model/fragment-limits.js';
import { MAX_TIME_MS } from '../model/max-time.js';
import type { Clock } from '../pace/clock.js';
import { FeedCutter } from './feed-cutter.js';
import { encodeFragment, type FeedFragment } from './feed-fragment.js';
import type { FeedFrame } from './feed-frame.js';
import type { ResolvedFeedOptions } from './feed-options.js';
import type { FeedSource } from './feed-source.js';
import { unsupported } from './feed-tracks.js';

/** Headers of a Cluster and its Timecode at their longest: two ids, two sizes, eight bytes of time. */
const MAX_CLUSTER_HEAD_BYTES = 4 + 8 + 1 + 1 + 8;

/** How long a frame of the lead track lasts where there is but one, in milliseconds. */
const LONE_FRAME_MS = 40;

/** What a file was found to hold, in its own time. */
interface FilePlan {
	readonly firstMs: number;
	readonly lastMs: number;
	/** From its first frame to where the first frame of a repetition belongs. */
	readonly lengthMs: number;
}

/** What {@link makeFragments} is called with. */
export interface FragmentMaking {
	readonly source: FeedSource;
	readonly options: ResolvedFeedOptions;
	/** What follows the Cluster of each fragment. */
	readonly trailer: Uint8Array;
	readonly clock: Clock;
	readonly signal: AbortSignal;
}

/**
 * The fragments of a source, each given out when its time has come: at once, or, in real time, when the media's own clock has come to
 * its end. A file is read through before its first fragment is given out, and what the service would not take of it is thrown then
 * (`MediaError`); of a pipe it is thrown where it comes. Errors of reading come after the fragments before them.
 */
export async function* makeFragments(making: FragmentMaking): AsyncGenerator<FeedFragment, void, undefined> {
	const { source, options, trailer, clock, signal } = making;
	const maxBytes = MAX_FRAGMENT_BYTES - MAX_CLUSTER_HEAD_BYTES - trailer.byteLength;
	const plan = source.isFile ? await planFile(making, maxBytes) : null;
	const cutter = new FeedCutter(source, maxBytes);
	let begun: { readonly wallMs: number; readonly mediaMs: number; readonly offsetMs: number } | null = null;

	async function* finished(): AsyncGenerator<FeedFragment, void, undefined> {
		for (const frames of cutter.finished.splice(0)) {
			const fragment = encodeFragment(frames, trailer);
			if (options.isRealtime && begun !== null) {
				const dueMs = begun.wallMs + fragment.latestMs - begun.mediaMs;
				if (dueMs > clock.now()) await clock.sleep(dueMs - clock.now(), { signal });
			}
			yield fragment;
		}
	}

	try {
		for (let pass = 0; pass === 0 || options.isLooped; pass++) {
			for await (const frames of source.frames(signal)) {
				for (const frame of frames) {
					begun ??= begin(frame, options, plan, clock.now());
					frame.timeMs += begun.offsetMs + pass * (plan?.lengthMs ?? 0);
					if (frame.timeMs < 0 || frame.timeMs > MAX_TIME_MS) throw unsupported('a frame before 1970');
					cutter.add(frame);
				}
				yield* finished();
			}
		}
		cutter.finish();
	} catch (error) {
		yield* finished();
		throw error;
	}
	yield* finished();
}

/** Where the media's clock stands on the producer's, which the first frame decides. */
function begin(
	{ timeMs }: FeedFrame,
	{ startMs, isRealtime, isLooped }: ResolvedFeedOptions,
	plan: FilePlan | null,
	nowMs: number,
): { wallMs: number; mediaMs: number; offsetMs: number } {
	const firstMs = plan?.firstMs ?? timeMs;
	const isPast = plan !== null && !isRealtime && !isLooped;
	const mediaMs = startMs ?? (isPast ? nowMs - (plan.lastMs - plan.firstMs) : nowMs);
	return { wallMs: nowMs, mediaMs, offsetMs: mediaMs - firstMs };
}

/** Reads a file through, as it will be fed, repetition included. */
async function planFile({ source, options, signal }: FragmentMaking, maxBytes: number): Promise<FilePlan> {
	const cutter = new FeedCutter(source, maxBytes);
	const lead = { frames: 0, firstMs: 0, lastMs: 0 };
	let firstMs = Number.POSITIVE_INFINITY;
	let lastMs = Number.NEGATIVE_INFINITY;
	const lengthMs = (): number => {
		const stepMs = lead.frames < 2 ? LONE_FRAME_MS : (lead.lastMs - lead.firstMs) / (lead.frames - 1);
		return lastMs - firstMs + Math.max(1, Math.round(stepMs));
	};
	for await (const frames of source.frames(signal)) {
		for (const frame of frames) {
			firstMs = Math.min(firstMs, frame.timeMs);
			lastMs = Math.max(lastMs, frame.timeMs);
			if (frame.trackNumber === source.lead.number) {
				if (lead.frames++ === 0) lead.firstMs = frame.timeMs;
				lead.lastMs = Math.max(lead.lastMs, frame.timeMs);
			}
			cutter.add(frame);
		}
		cutter.finished.length = 0;
	}
	if (lastMs < firstMs) throw unsupported('a file without frames of video or audio');
	const plan = { firstMs, lastMs, lengthMs: lengthMs() };
	if (options.isLooped) {
		for await (const frames of source.frames(signal)) {
			for (const frame of frames) {
				frame.timeMs += plan.lengthMs;
				cutter.add(frame);
			}
			cutter.finished.length = 0;
		}
	}
	cutter.finish();
	return plan;
}
