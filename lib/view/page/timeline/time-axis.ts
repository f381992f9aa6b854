/** The narrowest and the widest time that a screen shows, in milliseconds. */
const MIN_SPAN_MS = 20;
const MAX_SPAN_MS = 10 * 366 * 86_400_000;

/** Times and the pixels at which they are shown. */
export class TimeAxis {
	/** What is at the left edge, epoch milliseconds. */
	fromMs = 0;
	/** How much time is shown. */
	spanMs = 3_600_000;
	/** In CSS pixels. */
	width = 1;

	get toMs(): number {
		return this.fromMs + this.spanMs;
	}

	get msPerPixel(): number {
		return this.spanMs / this.width;
	}

	xOf(ms: number): number {
		return (ms - this.fromMs) / this.msPerPixel;
	}

	msAt(x: number): number {
		return this.fromMs + x * this.msPerPixel;
	}

	/** Shows `spanMs` of time, with `ms` where it is or, where it is out of sight, in the middle. */
	zoomTo(spanMs: number, ms: number): void {
		const limited = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, spanMs));
		const place = (ms - this.fromMs) / this.spanMs;
		this.fromMs = ms - (place >= 0 && place <= 1 ? place : 0.5) * limited;
		this.spanMs = limited;
	}

	panBy(ms: number): void {
		this.fromMs += ms;
	}

	/** Brings a time into sight, and where it is near an edge, away from it. */
	reveal(ms: number): void {
		const margin = this.spanMs / 10;
		if (ms < this.fromMs || ms > this.toMs) this.fromMs = ms - this.spanMs / 2;
		else if (ms < this.fromMs + margin) this.fromMs = ms - margin;
		else if (ms > this.toMs - margin) this.fromMs = ms + margin - this.spanMs;
	}
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Distances between marks. */
const STEPS_MS: readonly number[] = [
	1,
	2,
	5,
	10,
	20,
	50,
	100,
	200,
	500,
	...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND_MS),
	...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
	...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
	...[1, 2, 7, 14, 30, 91, 182, 365].map((days) => days * DAY_MS),
];

/** The marks of an axis, at least `minPixels` apart. `offsetMs`: what the zone of its times is ahead of UTC. */
export function marksOf(
	axis: TimeAxis,
	minPixels: number,
	offsetMs: number,
): { readonly stepMs: number; readonly timesMs: readonly number[] } {
	const atLeastMs = axis.msPerPixel * minPixels;
	const stepMs = STEPS_MS.find((step) => step >= atLeastMs) ?? (STEPS_MS.at(-1) as number);
	const timesMs: number[] = [];
	const first = Math.ceil((axis.fromMs + offsetMs) / stepMs) * stepMs - offsetMs;
	for (let ms = first; ms <= axis.toMs; ms += stepMs) timesMs.push(ms);
	return { stepMs, timesMs };
}
