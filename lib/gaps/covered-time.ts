import type { FragmentSkippedEvent, GapEvent } from '../model/media-event.js';
import { GAP_THRESHOLD_MS } from './gap-threshold.js';

/** Spans that are remembered at most; with more, those that grew longest ago are forgotten, and their time counts as a gap. */
const MAX_SPANS = 100;

/** From when to when, on the producer's clock, epoch milliseconds. */
export type CoveredSpan = readonly [fromMs: number, toMs: number];

/**
 * Time that fragments cover that were left out. Where they lie between two fragments that are kept, in any order, that is no
 * gap: something was recorded there.
 */
export class CoveredTime {
	/** Further apart than the threshold for gaps; the one that grew last is the last. */
	#spans: CoveredSpan[];

	/** @param state - what another one knew, to go on from there */
	constructor(state: readonly CoveredSpan[] = []) {
		this.#spans = [...state];
	}

	/** What is known, as plain JSON. */
	state(): readonly CoveredSpan[] {
		return this.#spans;
	}

	/** A fragment was left out. */
	add({ producerTimestamp, endMs }: Pick<FragmentSkippedEvent, 'producerTimestamp' | 'endMs'>): void {
		const startMs = producerTimestamp?.getTime();
		if (startMs === undefined) return;
		let [from, to] = [startMs, Math.max(startMs, endMs ?? startMs)];
		const others: CoveredSpan[] = [];
		for (const span of this.#spans) {
			if (span[1] + GAP_THRESHOLD_MS < from || span[0] - GAP_THRESHOLD_MS > to) {
				others.push(span);
			} else {
				from = Math.min(from, span[0]);
				to = Math.max(to, span[1]);
			}
		}
		this.#spans = [...others, [from, to] as const].slice(-MAX_SPANS);
	}

	/** A fragment that is kept begins: what was covered before it concerns no gap any more. */
	keptFrom(startMs: number | null): void {
		if (startMs !== null) this.#spans = this.#spans.filter(([, toMs]) => toMs >= startMs);
	}

	/** Whether all of a gap is covered. What fails to meet in another way is not. */
	covers({ kind, from, to }: GapEvent): boolean {
		const [startMs, endMs] = [from.getTime() + GAP_THRESHOLD_MS, to.getTime() - GAP_THRESHOLD_MS];
		return kind === 'gap' && this.#spans.some(([fromMs, toMs]) => fromMs <= startMs && toMs >= endMs);
	}
}
