import { ArchiveError } from './errors.js';

/**
 * Loads an optional peer dependency. Rejects with `ArchiveError` (`KVS_PEER_MISSING`), whose message says what to install, where
 * the package is not there.
 *
 * @param name - the package
 * @param load - imports it
 */
export async function loadPeer<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
	try {
		return await load();
	} catch (cause) {
		const { code, message } = cause as NodeJS.ErrnoException;
		if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw cause;
		const hint = `this needs the package \`${name}\`, which is not installed: npm install ${name}`;
		throw new ArchiveError('KVS_PEER_MISSING', hint, { cause });
	}
}
