import test from 'ava';
import type { KvsArchive } from 'kvs-archive';
import { ArchivePool } from '#lib/bullmq/archive-pool.js';
import { startArchive } from '../helpers/archive.js';
import { collect } from '../helpers/collect.js';
import { recording } from '../helpers/payload.js';
import { between } from '../helpers/range.js';

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
	for (let index = 0; index < 200; index++) {
		await pool.with({ streamName: `cam${index}`, endpoint }, async () => {});
	}
	t.throws(() => archives[0]?.client.checkOpen(), { code: 'KVS_CLOSED' });
	t.is((await pool.with({ streamName: 'door', endpoint }, list)).length, 2);
	t.not(archives[0], archives[1]);
	t.is(count('GetDataEndpoint'), 1);
	t.is(count('ListFragments'), 2);
});
