import { InvalidOptionError } from '../../../index.js';

/** What `--options` gives to a handler module; undefined without it. Throws `InvalidOptionError` for what is not JSON. */
export function handlerOptionsOf(text: string | undefined): unknown {
	if (text === undefined) return undefined;
	try {
		return JSON.parse(text);
	} catch {
		throw new InvalidOptionError('--options', 'JSON', text);
	}
}
