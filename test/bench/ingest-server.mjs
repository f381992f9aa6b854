/*
 * The server of the ingest benchmark, in a process of its own: `archive` is the local archive with the streams named, `peer`
 * only receives the same chunked bodies and writes them, with one fsync for each so many bytes. Tells its parent its address,
 * and on request what it has used.
 */
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createArchiveServer } from 'kvs-archive/server';

const [kind, directory, ...rest] = process.argv.slice(2);
const server = kind === 'archive' ? await archive(rest) : peer(Number(rest[0]));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('message', (question) => {
	if (question !== 'usage') return;
	globalThis.gc();
	const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
	const { user, system } = process.cpuUsage();
	process.send({ usedBytes: heapUsed + arrayBuffers, rss, cpuMs: (user + system) / 1000 });
});
process.on('disconnect', () => process.exit());

async function archive(streams) {
	const made = createArchiveServer({ dataDirectory: join(directory, 'data') });
	await made.archive.ready;
	for (const name of streams) await made.archive.createStream({ name });
	return made;
}

function peer(fragmentBytes) {
	return createServer((request, response) => {
		receive(request, fragmentBytes).then(
			() => response.end(),
			() => response.destroy(),
		);
	});
}

async function receive(request, fragmentBytes) {
	const handle = await open(join(directory, 'peer.mkv'), 'w');
	let unsynced = 0;
	for await (const bytes of request) {
		await handle.write(bytes);
		unsynced += bytes.byteLength;
		if (unsynced < fragmentBytes) continue;
		await handle.datasync();
		unsynced -= fragmentBytes;
	}
	await handle.close();
}
