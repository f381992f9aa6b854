import { InvalidOptionError } from '../errors.js';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A length of time in whole seconds: `300`, `300s`, `5m`, `12h`. Undefined where it was not given. Throws `InvalidOptionError`. */
export function secondsOption(option: string, text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const [, amount, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
	if (amount === undefined) throw new InvalidOptionError(option, 'a length of time (300s, 5m, 12h)', text);
	return Number(amount) * (UNIT_SECONDS[unit] as number);
}
