/** When the recordings of tests begin, unless a test says otherwise. */
export const startMs: number = Date.UTC(2026, 0, 31);

/** The range between two times, in milliseconds after {@link startMs}. */
export function between(
	fromMs: number,
	toMs: number,
	by: 'producer' | 'server' = 'producer',
): { from: Date; to: Date; by: 'producer' | 'server' } {
	return { from: new Date(startMs + fromMs), to: new Date(startMs + toMs), by };
}
