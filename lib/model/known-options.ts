import { InvalidOptionError } from '../errors.js';

/** Every name of an options object; the compiler sees to it that none is missing. */
export type OptionNames<Options extends object> = Readonly<Record<keyof Options, true>>;

/**
 * Throws {@link InvalidOptionError} for an option that is not among the keys of `names`: a misspelled one would be ignored
 * without a word; and for options that are not an object, and a `signal` that is not an AbortSignal. One whose value is undefined is
 * as good as left out. `within`: the option whose value `options` is.
 */
export function checkOptionNames(
	options: object,
	names: object,
	{ within }: { readonly within?: string } = {},
): void {
	if (typeof options !== 'object' || options === null) {
		throw new InvalidOptionError(
			within ?? 'options',
			`an object, got ${options === null ? 'null' : typeof options}`,
		);
	}
	for (const [name, value] of Object.entries(options)) {
		if (name === 'signal' && value !== undefined && !(value instanceof AbortSignal)) {
			throw new InvalidOptionError('signal', 'an AbortSignal', value);
		}
		if (value === undefined || Object.hasOwn(names, name)) continue;
		const prefix = within === undefined ? '' : `${within}.`;
		const known = Object.keys(names).map((one) => `\`${prefix}${one}\``);
		// Not its value: a misspelled name may hold a URL with a password.
		throw new InvalidOptionError(`${prefix}${name}`, `one of the options ${known.join(', ')}`);
	}
}
