import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { recording } from '../helpers/media/payload.js';
import { testWith } from '../helpers/needs.js';
import { env, main } from '../helpers/program/main-process.js';
import { startWork } from '../helpers/program/work-process.js';
import { startArchive } from '../helpers/service/archive.js';
import { makeCertificate } from '../helpers/service/certificate.js';
import { startRedis } from '../helpers/store/redis.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

/** All that a Redis holds, as far as it is texts. */
async function everythingIn(client: Redis): Promise<unknown[]> {
	const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
		hash: (key) => client.hgetall(key),
		zset: (key) => client.zrange(key, 0, -1),
		list: (key) => client.lrange(key, 0, -1),
		set: (key) => client.smembers(key),
		stream: (key) => client.xrange(key, '-', '+'),
		string: (key) => client.get(key),
	};
	const keys = await client.keys('*');
	return Promise.all(keys.map(async (key) => [key, await read[await client.type(key)]?.(key)]));
}

testWith('redis-server', 'openssl')(
	'queue, quotas and checkpoints work over rediss:// with a user without administrative rights, and no credentials are stored',
	async (t) => {
		const tls = await makeCertificate(await temporaryDirectory(t));
		const rights = '~kvs-archive* &* +@all -@admin';
		const redis = await startRedis(t, { user: `worker on >sesame ${rights}`, tls });
		const { endpoint } = await startArchive(t, { door: recording(6) });
		const out = join(await temporaryDirectory(t), 'out');
		const place = `rediss://worker:sesame@127.0.0.1:${redis.port}`;
		const environment = {
			NODE_EXTRA_CA_CERTS: tls.certFile,
			AWS_ACCESS_KEY_ID: 'AKIDOPEN',
			AWS_SECRET_ACCESS_KEY: 'open-secret',
		};
		const work = await startWork(t, ['--redis', place, '--out', out], environment);
		const submit = (...args: readonly string[]) =>
			run(
				process.execPath,
				[main, 'submit', ...args, '--redis', place, '--endpoint', endpoint, '--out', out],
				{
					env: { ...env, ...environment },
				},
			);
		const range = [
			'--stream',
			'door',
			'--by',
			'producer',
			'--from',
			'2026-01-31',
			'--to',
			'2026-01-31T01:00',
		];
		const exported = await submit(
			'export',
			...range,
			'--slice',
			'4s',
			'-o',
			join(out, 'day'),
			'--container',
			'mkv',
			'--wait',
		);
		t.deepEqual([exported.code, exported.stdout], [0, ''], exported.stderr);
		t.regex(exported.stderr, /^done: 3 of 3 slices, 6 of 6 fragments/m);
		const followed = await submit(
			'follow',
			'--streams',
			'door',
			'--from',
			'earliest',
			'--every',
			'1s',
			'-o',
			join(out, 'cams'),
			'--container',
			'mkv',
		);
		t.is(followed.code, 0, followed.stderr);
		const list = join(out, 'cams', 'door', 'recordings.jsonl');
		await until(
			async () => (await readFile(list, 'utf8').catch(() => '')).includes('"file"'),
			() => inspect([work.stdout(), work.stderr()]),
		);
		const client = new Redis(redis.port, '127.0.0.1', { tls: { ca: await readFile(tls.certFile) } });
		t.teardown(() => client.disconnect());
		const held = inspect(await everythingIn(client), {
			depth: 9,
			maxArrayLength: null,
			maxStringLength: null,
		});
		t.regex(held, /kvs-archive:checkpoint:door\/workers/);
		t.notRegex(held, /sesame|open-secret|AKIDOPEN/);
		t.notRegex(work.stdout() + work.stderr() + exported.stderr + followed.stderr, /sesame|open-secret/);

		// Another user may do nothing here, and a certificate of none that is known is refused.
		for (const [url, certificates, says] of [
			[place.replace('sesame', 'open'), tls.certFile, /WRONGPASS/],
			[place, '', /self-signed certificate/i],
		] as const) {
			const refused = await run(process.execPath, [main, 'work', '--redis', url], {
				env: { ...env, NODE_EXTRA_CA_CERTS: certificates },
			});
			t.is(refused.code, 1, refused.stderr);
			t.regex(refused.stderr, /^KVS_QUEUE_FAILED: cannot reach the queue in rediss:\/\/127\.0\.0\.1:\d+: /);
			t.regex(refused.stderr, says);
			t.notRegex(refused.stderr, /sesame/);
		}
	},
);
