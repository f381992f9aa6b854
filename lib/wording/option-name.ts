import { InvalidOptionError } from '../errors.js';

/** Returns what `make` returns. Where it throws `InvalidOptionError` for `option`, that names `given` instead: the caller's own name of it. */
export function underName<Result>(option: string, given: string, make: () => Result): Result {
	try {
		return make();
	} catch (error) {
		if (!(error instanceof InvalidOptionError) || error.option !== option) throw error;
		error.message = error.message.replace(`\`${option}\``, () => `\`${given}\``);
		throw Object.assign(error, { option: given });
	}
}
