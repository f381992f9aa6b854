/**
 * Silence that a file is given at once, at most: where media says nothing for longer (a camera that starts in 1970 and then
 * sets its clock, two recordings of different days), the file would be made of it.
 */
export const MAX_SILENCE_MS = 3_600_000;

/** Why silence from one time of a file to another is too long, in words; null where it is not. */
export function whyTooLong(fromMs: number, toMs: number): string | null {
	const silenceMs = toMs - fromMs;
	if (silenceMs <= MAX_SILENCE_MS) return null;
	const hours = (silenceMs / 3_600_000).toFixed(1);
	return `nothing was recorded for ${hours} hours after ${(fromMs / 1000).toFixed(3)} s of the file, and at most ${MAX_SILENCE_MS / 3_600_000} hour of silence is written at once`;
}
