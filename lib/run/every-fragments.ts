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

/** Between which two times something is, as far as the listing says. */
interface Between {
	readonly fromMs: number;
	readonly toMs: number;
}

/**
 * When the next picture is due: what `FrameSelector` does with the times of frames, by what is listed of their fragments.
 *
 * Pictures are due at the points of a grid: of one picture, and whole intervals after it. Each is given by the first frame at or
 * after its point; where that is an interval late, or two intervals early, it begins another grid. Frames are not listed. So all that is known
 * is between which times a grid begins, and between which times the last frame so far is; where it is not certain whether
 * another grid has begun, one may begin at any time, and all is wanted until another one certainly has.
 */
class DueTime {
	readonly #everyMs: number;
	/** Where the first point of the grid is; null before the first picture. */
	#first: Between | null = null;
	/** The last frame so far, of all that were not made late by a clock that was set back. */
	#reached: Between = { fromMs: 0, toMs: 0 };
	/** Where the first picture may have been, in a fragment that may be over before the range begins. */
	#mayBeginMs = Number.POSITIVE_INFINITY;

	constructor(everyMs: number) {
		this.#everyMs = everyMs;
	}

	/** Whether a picture may be due in the next fragment; `startMs`: where the range begins in it. */
	isIn(fromMs: number, toMs: number, startMs: number): boolean {
		const everyMs = this.#everyMs;
		const lastMs = toMs + SLACK_MS;
		const begun = this.#first;
		if (begun === null) {
			this.#mayBeginMs = Math.min(this.#mayBeginMs, startMs);
			const begins = fromMs >= startMs || toMs - SLACK_MS >= startMs;
			if (begins) this.#begin({ fromMs: this.#mayBeginMs - SLACK_MS, toMs: startMs + SLACK_MS }, toMs);
			return true;
		}
		// Frames before the range do not count: of a fragment after a clock that was set back these may be all.
		if (fromMs < startMs && lastMs < startMs) return false;
		const mayBeOutside = fromMs < startMs && toMs - SLACK_MS < startMs;
		const beginMs = Math.max(fromMs, startMs);
		const firstMs = beginMs - SLACK_MS;
		const due = this.#due(begun);
		const mayGoBack = firstMs <= due.toMs - 2 * everyMs;
		if (!mayGoBack && lastMs < due.fromMs) {
			this.#reach(toMs);
			return false;
		}
		const goesBack = lastMs <= due.fromMs - 2 * everyMs;
		const isLate = firstMs >= due.toMs + everyMs;
		const mayBeLate = beginMs + SLACK_MS >= due.fromMs + everyMs;
		if (!mayBeOutside && (goesBack || isLate))
			this.#begin({ fromMs: firstMs, toMs: beginMs + SLACK_MS }, toMs);
		else {
			// Between its frames there may be an interval, too.
			const isLong = lastMs - firstMs >= everyMs;
			if (isLong || mayGoBack || mayBeLate) this.#first = { fromMs: firstMs - everyMs, toMs: firstMs };
			this.#reach(toMs, mayGoBack);
		}
		return true;
	}

	/** The picture at one of these times was chosen, whatever was before; its fragment ends at `toMs`. */
	#begin(first: Between, toMs: number): void {
		const isLong = toMs + SLACK_MS - first.fromMs >= this.#everyMs;
		this.#first = isLong ? { fromMs: first.fromMs - this.#everyMs, toMs: first.fromMs } : first;
		this.#reached = { fromMs: toMs - SLACK_MS, toMs: toMs + SLACK_MS };
	}

	#reach(toMs: number, mayGoBack = false): void {
		const { fromMs, toMs: latestMs } = this.#reached;
		this.#reached = {
			fromMs: mayGoBack ? toMs - SLACK_MS : Math.max(fromMs, toMs - SLACK_MS),
			toMs: Math.max(latestMs, toMs + SLACK_MS),
		};
	}

	/** The point of the grid that the next picture is due at: the first one after the last frame. */
	#due(first: Between): Between {
		const [everyMs, reached] = [this.#everyMs, this.#reached];
		const passed = Math.max(1, Math.ceil((reached.fromMs - first.toMs) / everyMs));
		const passedAtMost = Math.floor((reached.toMs - first.fromMs) / everyMs) + 1;
		return {
			fromMs: first.fromMs + passed * everyMs,
			toMs: Math.min(first.toMs + passedAtMost * everyMs, reached.toMs + everyMs),
		};
	}
}
