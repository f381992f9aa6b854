import { InvalidOptionError } from '../errors.js';
import { isoMs } from '../model/instant.js';

const UNIT_MS: Readonly<Record<string, number>> = {
	ms: 1,
	s: 1000,
	m: 60_000,
	h: 3_600_000,
	d: 86_400_000,
	w: 604_800_000,
};

/** Later dates are taken for milliseconds that were meant as seconds. */
const MAX_EPOCH_MS = Date.UTC(10_000, 0, 1);

const EXPECTED = 'ISO 8601 (2026-01-31T14:03:07Z), epoch seconds, `now`, or relative to now (-15m)';

/**
 * A point in time as the command line takes it: ISO 8601 (UTC where no zone is given), epoch seconds, `now`, or an offset
 * to now in ms, s, m, h, d or w. Throws {@link InvalidOptionError} that names `option`.
 */
export function parsePointInTime(option: string, text: string, nowMs: number): Date {
	const ms = relativeMs(text, nowMs) ?? epochMs(text) ?? isoMs(text);
	if (ms === null || !(ms >= 0 && ms < MAX_EPOCH_MS)) throw new InvalidOptionError(option, EXPECTED, text);
	return new Date(ms);
}

function relativeMs(text: string, nowMs: number): number | null {
	if (text === 'now') return nowMs;
	const match = /^(?:now)?([+-])(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text);
	if (match === null) return null;
	const [, sign, amount, unit] = match;
	return nowMs + (sign === '-' ? -1 : 1) * Math.round(Number(amount) * (UNIT_MS[unit as string] as number));
}

function epochMs(text: string): number | null {
	return /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1000) : null;
}
