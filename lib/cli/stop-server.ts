import { once } from 'node:events';
import type { ArchiveServer } from '../server/index.js';

/** Stops a local archive at once, requests under way included. Resolves when its temporary files are on their way out. */
export async function stopServer(server: ArchiveServer): Promise<void> {
	const closed = once(server, 'close');
	server.close();
	server.closeAllConnections();
	await closed;
}
