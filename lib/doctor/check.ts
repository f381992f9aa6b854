/** How a check came out. `failed`: something stops reading, or what was asked of it. */
export type CheckState = 'ok' | 'warning' | 'failed';

/** One thing that was looked at. */
export interface Check {
	/** What: `credentials`, `region`, `ListFragments` …; stable, for programs. */
	readonly check: string;
	readonly state: CheckState;
	/** What was found. */
	readonly message: string;
	/** What to do about it; null where nothing is to be done. */
	readonly advice: string | null;
}

/** A check that came out well. */
export function ok(check: string, message: string): Check {
	return { check, state: 'ok', message, advice: null };
}

/** Something that some uses trip over. */
export function warning(check: string, message: string, advice: string): Check {
	return { check, state: 'warning', message, advice };
}

/** Something that stops reading. */
export function failed(check: string, message: string, advice: string): Check {
	return { check, state: 'failed', message, advice };
}
