import { promisify } from 'node:util';
import test from 'ava';
import type { KvsArchive } from 'kvs-archive';
import { ArchivePool } from '#lib/bullmq/archive-pool.js';
import { collect } from '../helpers/collect.js';
import { recording } from '../helpers/media/payload.js';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { until } from '../helpers/wait.js';

test('the archives of a worker share their connections', async (t) => {
	const names = Array.from({ length: 30 }, (_, index) => `cam${index}`);
	const media = recording(1);
	const { endpoint, server, count } = await startArchive(
		t,
		Object.fromEntries(names.map((name) => [name, media])),
	);
	let connections = 0;
	server.on('connection', () => connections++);
	const pool = new ArchivePool({});
	const read = (streamName: string): Promise<number> =>
		pool.with({ streamName, endpoint }, async (archive) => {
			return (await collect(archive.fragments(between(0, 60_000)))).length;
		});
	for (const name of names) t.is(await read(name), 1);
	t.is(count('ListFragments'), names.length);
	// One for the endpoints, one for the data; more where the machine is so slow that the server ends one that is not used.
	t.true(connections < names.length / 2, `${connections} connections`);
	await pool.close();
	await until(
		async () => (await promisify(server.getConnections.bind(server))()) === 0,
		() => 'connections stay open',
	);
});

test('a worker that meets more streams than it keeps open asks for the data endpoint of each once', async (t) => {
	const { endpoint, count } = await startArchive(t, { door: recording(2) });
	const pool = new ArchivePool({ region: 'us-east-1' });
	t.teardown(() => pool.close());
	const archives: KvsArchive[] = [];
	const list = (archive: KvsArchive): Promise<unknown[]> => {
		archives.push(archive);
		return collect(archive.fragments(between(0, 60_000)));
	};
	t.is((await pool.with({ streamName: 'door', endpoint }, list)).length, 2);
	for (let index = 0; index < 2000; index++) {
		await pool.with({ streamName: `cam${index}`, endpoint }, async () => {});
	}
	t.throws(() => archives[0]?.client.checkOpen(), { code: 'KVS_CLOSED' });
	t.is((await pool.with({ streamName: 'door', endpoint }, list)).length, 2);
	t.not(archives[0], archives[1]);
	t.is(count('GetDataEndpoint'), 1);
	t.is(count('ListFragments'), 2);
});
