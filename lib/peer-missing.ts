import { ArchiveError } from './errors.js';

/** What Node says of a package that is not there, to `import()` and to the `require` that bundlers make of it. */
const NOT_FOUND: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

/**
 * What becomes of an `import()` of an optional peer dependency that failed: `ArchiveError` (`KVS_PEER_MISSING`), whose message
 * says what to install, where the package is not there. It stands in a `.catch` right after the `import()`, as bundlers refuse
 * to leave out a package that they do not find without one.
 *
 * @param name - the package
 */
export function peerMissing(name: string): (cause: unknown) => never {
	return (cause) => {
		const { code, message } = cause as NodeJS.ErrnoException;
		if (!NOT_FOUND.has(code) || !message.includes(`'${name}'`)) throw cause;
		const hint = `this needs the package \`${name}\`, which is not installed: npm install ${name}`;
		throw new ArchiveError('KVS_PEER_MISSING', hint, { cause });
	};
}
