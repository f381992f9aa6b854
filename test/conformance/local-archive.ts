import { once } from 'node:events';
import { resolve } from 'node:path';
import { type ArchiveServer, createArchiveServer } from '#lib/server/index.js';
import type { Signer } from './signed-request.js';

/** The stream of the local archive that {@link startLocalArchive} starts. */
export const LOCAL_STREAM = 'conformance-door';

/** Whom it lets in. */
export const localSigner: Signer = {
	region: 'us-east-1',
	accessKeyId: 'key-of-the-local-archive',
	secretAccessKey: 'a-secret-of-the-local-archive',
};

/** Producer time of the first frame. */
const START = new Date('2026-01-31T14:03:00Z');

/** A local archive that checks signatures, with eight fragments of audio and video; each has the same number every time. */
export async function startLocalArchive(): Promise<ArchiveServer> {
	let random = 0;
	const server = createArchiveServer({
		credentials: [localSigner],
		region: localSigner.region,
		// What PutMedia was sent on purpose.
		onWarning: () => {},
		randomInt: (exclusiveMax) => random++ % exclusiveMax,
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	await server.archive.ingest(LOCAL_STREAM, resolve('examples/media/clock.mkv'), { start: START });
	return server;
}
