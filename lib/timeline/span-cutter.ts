import { GAP_THRESHOLD_MS } from '../gaps/gap-threshold.js';
import type { Fragment } from '../model/fragment.js';
import { GapEvent, type GapKind } from '../model/media-event.js';
import { isWithinStep, medianMs, NEIGHBOURS, plausibleStepMs, remainderMs } from './frame-steps.js';
import { StoredSpan } from './stored-span.js';

/** A fragment that is listed as this many times as long as those around it may have a wrong time in it. */
const MAX_LENGTHS = 2;

/**
 * Cuts sorted fragments into spans, from their listing alone.
 *
 * The service's rule: a fragment ends with its last frame plus the mean frame duration, and neighbours that are more than
 * 50 ms off do not meet. The listing says when the last frame is and not how many frames there are, so what a frame lasts
 * is estimated: the median of the remainders (from a last frame to the next fragment) of the neighbours before, or of
 * those after it, whichever fits, so that a camera may change its rate. Only remainders that divide the fragment's length
 * into whole frames count, or are what interleaved audio makes of them; where a fragment has no such neighbour, its own
 * does. Two things are more lenient than the service, which has the frames to look at: slow frames may jitter by a
 * quarter, and a start after the last frame is not an overlap. What a listing cannot show: a pause that is as
 * long as the fragments around it, every time, looks like frames of that length. One wrong time within a fragment makes it
 * look longer than all around it: where it would meet the next if it were as long as these, it does. Holds a dozen fragments.
 */
export class SpanCutter {
	/** Fragments whose neighbours are not known yet; the first of them is the last of the open span. */
	readonly #waiting: Fragment[] = [];
	/** Plausible steps of the fragments before, the youngest last. */
	readonly #stepsMs: number[] = [];
	/** Listed lengths of the same. */
	readonly #lengthsMs: number[] = [];
	#span: StoredSpan | null = null;

	/** The next fragment. Adds to `cut` the spans that are over, and what is between them. */
	push(fragment: Fragment, cut: (StoredSpan | GapEvent)[]): void {
		this.#waiting.push(fragment);
		if (this.#span === null) this.#span = new StoredSpan(fragment);
		if (this.#waiting.length > NEIGHBOURS + 2) this.#step(cut);
	}

	/** There are no more fragments. */
	end(cut: (StoredSpan | GapEvent)[]): void {
		while (this.#waiting.length > 1) this.#step(cut);
		if (this.#span === null) return;
		this.#span.close(medianMs(this.#stepsMs) ?? 0);
		cut.push(this.#span);
		this.#span = null;
	}

	/** Decides whether the two oldest fragments that wait meet. */
	#step(cut: (StoredSpan | GapEvent)[]): void {
		const [fragment, next] = this.#waiting as [Fragment, Fragment, ...Fragment[]];
		const span = this.#span as StoredSpan;
		const kind = this.#hasWrongLength(fragment, next) ? null : this.#trouble(fragment, next);
		if (kind === null) {
			span.add(next);
		} else {
			span.close(Math.min(...this.#estimatesMs(fragment, next)));
			const isOrder = kind === 'duplicate' || kind === 'regression';
			const from = isOrder ? fragment.producerTimestamp : new Date(span.toMs);
			cut.push(span, new GapEvent(from, next.producerTimestamp, kind));
			this.#span = new StoredSpan(next);
		}
		const stepMs = plausibleStepMs(fragment, next);
		if (stepMs !== null) {
			this.#stepsMs.push(stepMs);
			if (this.#stepsMs.length > NEIGHBOURS) this.#stepsMs.shift();
		}
		this.#lengthsMs.push(fragment.fragmentLengthInMilliseconds);
		if (this.#lengthsMs.length > NEIGHBOURS) this.#lengthsMs.shift();
		this.#waiting.shift();
	}

	/** Whether a fragment that reaches far over the next one would meet it if it were as long as those around it. */
	#hasWrongLength(fragment: Fragment, next: Fragment): boolean {
		if (remainderMs(fragment, next) >= -GAP_THRESHOLD_MS) return false;
		const around = this.#waiting.slice(1).map(({ fragmentLengthInMilliseconds: ms }) => ms);
		const usualMs = medianMs([...this.#lengthsMs, ...around]) as number;
		if (fragment.fragmentLengthInMilliseconds <= MAX_LENGTHS * usualMs) return false;
		return this.#trouble({ ...fragment, fragmentLengthInMilliseconds: usualMs }, next) === null;
	}

	/** How a fragment fails to meet the one before it, or null. */
	#trouble(fragment: Fragment, next: Fragment): GapKind | null {
		const distanceMs = next.producerTimestamp.getTime() - fragment.producerTimestamp.getTime();
		if (distanceMs === 0) return 'duplicate';
		if (distanceMs < 0) return 'regression';
		const lateMs = remainderMs(fragment, next);
		// Within the threshold whatever a frame lasts; nearly every pair of a camera's is.
		if (lateMs > 0 && lateMs <= GAP_THRESHOLD_MS) return null;
		const estimatesMs = this.#estimatesMs(fragment, next);
		if (estimatesMs.some((stepMs) => isWithinStep(lateMs, stepMs))) return null;
		if (lateMs <= 0) return 'overlap';
		return lateMs > Math.min(...estimatesMs) ? 'gap' : null;
	}

	/** What a frame may last between two neighbours. */
	#estimatesMs(fragment: Fragment, next: Fragment): number[] {
		const around = [medianMs(this.#stepsMs), medianMs(this.#stepsAheadMs())].filter(isNumber);
		return around.length > 0 ? around : [plausibleStepMs(fragment, next) ?? 0];
	}

	/** Plausible steps of the fragments after the two that are compared. */
	#stepsAheadMs(): number[] {
		return this.#waiting
			.slice(1, -1)
			.map((fragment, index) => plausibleStepMs(fragment, this.#waiting[index + 2] as Fragment))
			.filter(isNumber);
	}
}

function isNumber(stepMs: number | null): stepMs is number {
	return stepMs !== null;
}
