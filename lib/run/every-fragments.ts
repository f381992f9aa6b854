import type { Fragment } from '../model/fragment.js';
import { type ResolvedTimeRange, startMs } from '../model/time-range.js';
import type { PictureSelection } from '../pictures/picture-selection.js';
import type { RunOptions } from './run-options.js';

/** How far the first and the last picture of a fragment may be from where it is listed to begin and to end. */
const SLACK_MS = 250;

/** The shortest interval at which fragments are left out: with less there is one in nearly every fragment or in that after it. */
const MIN_INTERVAL_MS = 5000;

/**
 * Says, of one fragment after the other as they are listed, which may hold a picture that is selected; null where all may: but for
 * `everyMs` of 5 s or more, and with `where`, since the tags of a fragment are not listed.
 */
export function everyFragments(
	{ select, where, padStart }: { select: PictureSelection } & Pick<RunOptions, 'where' | 'padStart'>,
	range: ResolvedTimeRange,
): ((fragment: Fragment) => boolean) | null {
	const everyMs = typeof select === 'object' && 'everyMs' in select ? select.everyMs : 0;
	if (everyMs < MIN_INTERVAL_MS || where !== undefined) return null;
	const due = new DueTime(everyMs);
	let isAfterDue = false;
	return (fragment) => {
		const fromMs = fragment.producerTimestamp.getTime();
		const toMs = fromMs + fragment.fragmentLengthInMilliseconds;
		const beforeMs = padStart ? Math.max(0, range.fromMs - startMs(fragment, range.by)) : 0;
		const isDue = due.isIn(fromMs, toMs, fromMs + beforeMs);
		// Where a fragment fails, or ends before its time, the first picture of the next one is chosen.
		const isWanted = isDue || isAfterDue;
		isAfterDue = isDue;
		return isWanted;
	};
}

/**
 * When the next picture is due, by what is listed: what `FrameSelector` does with the times of frames, with times that are known
 * to the slack. Where it is less certain the time is wider, and more is wanted: in a fragment that is longer than the interval, at
 * a gap of about the interval, and where the clock was set back by less than two intervals.
 */
class DueTime {
	readonly #everyMs: number;
	/** Null before the first picture. */
	#earliestMs: number | null = null;
	#latestMs = 0;
	/** Whether a picture may have been given for it already, so that the next one is due an interval later. */
	#mayBeGiven = false;
	/** Where the first picture may have been, in a fragment that may be over before the range begins. */
	#mayBeginMs = Number.POSITIVE_INFINITY;

	constructor(everyMs: number) {
		this.#everyMs = everyMs;
	}

	/** Whether a picture may be due in the next fragment; `startMs`: where the range begins in it. */
	isIn(fromMs: number, toMs: number, startMs: number): boolean {
		const earliest = this.#earliestMs;
		if (earliest === null) {
			this.#begin(fromMs, toMs, startMs);
			return true;
		}
		const everyMs = this.#everyMs;
		const latest = this.#mayBeGiven ? this.#latestMs + everyMs : this.#latestMs;
		const [firstMs, lastMs] = [fromMs - SLACK_MS, toMs + SLACK_MS];
		if (firstMs <= latest - 2 * everyMs) {
			// A step back begins the grid anew.
			if (lastMs <= earliest - 2 * everyMs) this.#gave(fromMs, fromMs, toMs);
			else this.#set(Math.min(earliest, firstMs + everyMs), Math.max(latest, lastMs + everyMs));
			return true;
		}
		if (lastMs < earliest) return false;
		if (toMs - SLACK_MS < this.#latestMs) this.#mayBeGiven = true;
		else if (this.#isLong(fromMs, toMs)) this.#set(toMs - SLACK_MS, Math.max(latest, lastMs + everyMs));
		else if (fromMs + SLACK_MS < earliest + everyMs) {
			this.#set(earliest + everyMs, this.#latestMs + everyMs, lastMs >= earliest + everyMs);
		} else if (firstMs >= latest + everyMs) this.#gave(fromMs, fromMs, toMs);
		else this.#set(earliest + everyMs, Math.max(latest, fromMs + SLACK_MS) + everyMs);
		return true;
	}

	#begin(fromMs: number, toMs: number, startMs: number): void {
		const firstMs = Math.min(this.#mayBeginMs, startMs);
		this.#mayBeginMs = firstMs;
		if (fromMs >= startMs || toMs - SLACK_MS >= startMs) this.#gave(firstMs, startMs, toMs);
	}

	/** A picture between two times was chosen, whatever was before. */
	#gave(firstMs: number, lastMs: number, toMs: number): void {
		const everyMs = this.#everyMs;
		if (this.#isLong(firstMs, toMs)) this.#set(toMs - SLACK_MS, toMs + SLACK_MS + everyMs);
		else this.#set(firstMs - SLACK_MS + everyMs, lastMs + SLACK_MS + everyMs);
	}

	/** Whether there may be two pictures in a fragment, or one that is an interval after the one before. */
	#isLong(fromMs: number, toMs: number): boolean {
		return toMs - fromMs + 2 * SLACK_MS >= this.#everyMs;
	}

	#set(earliestMs: number, latestMs: number, mayBeGiven = false): void {
		this.#earliestMs = earliestMs;
		this.#latestMs = latestMs;
		this.#mayBeGiven = mayBeGiven;
	}
}
