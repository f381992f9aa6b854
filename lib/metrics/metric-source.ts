import type { MetricFamily } from './exposition.js';

/** Something that is measured: what {@link serveMetrics} shows. Read when it is requested, and not before. */
export interface MetricSource {
	/** What was counted so far, and what is true now. */
	families(): readonly MetricFamily[];
	/** What lags by more than `maxLagMs` milliseconds, a line for each; empty where all is well. */
	troubles(maxLagMs: number): readonly string[];
}

/** One line of {@link MetricSource.troubles}. */
export function lagTrouble(stream: string, lagMs: number, maxLagMs: number): string {
	return `stream ${stream}: lag ${lagMs / 1000} s, more than ${maxLagMs / 1000} s`;
}
