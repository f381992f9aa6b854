import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { recording } from '../helpers/media/payload.js';
import { testWith } from '../helpers/needs.js';
import { commandLine } from '../helpers/program/command-line.js';
import { startWork } from '../helpers/program/work-process.js';
import { startArchive } from '../helpers/service/archive.js';
import { startRedis } from '../helpers/store/redis.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = ['--stream', 'door', '--by', 'producer', '--from', '2026-01-31', '--to', '2026-01-31T00:01'];

testWith('redis-server')(
	'submit divides a range, work exports its slices, and --wait ends when all are done',
	async (t) => {
		const { endpoint } = await startArchive(t, { door: recording(12) });
		const { url } = await startRedis(t);
		const folder = await temporaryDirectory(t);
		const [out, handlers] = [join(folder, 'out'), join(folder, 'handlers')];
		const submit = (what: string, ...more: readonly string[]) =>
			commandLine([
				'submit',
				what,
				...range,
				'--endpoint',
				endpoint,
				'--slice',
				'8s',
				'--redis',
				url,
				...more,
			]);
		const queued = await submit('export', '--out', out, '-o', join(out, 'day'), '--container', 'mkv');
		t.deepEqual([queued.code, queued.stderr], [0, 'submitted 3 slices\n']);
		const work = await startWork(t, [
			'--redis',
			url,
			'--out',
			out,
			'--handlers',
			handlers,
			'--concurrency',
			'2',
		]);
		const exported = await submit(
			'export',
			'--out',
			out,
			'-o',
			join(out, 'day'),
			'--container',
			'mkv',
			'--wait',
		);
		t.deepEqual([exported.code, exported.stdout], [0, '']);
		t.regex(
			exported.stderr,
			/^done: 3 of 3 slices, 12 of 12 fragments, 24 frames, \d+ bytes(, \d slices done before)?\n$/,
		);
		t.is((await readdir(join(out, 'day'))).filter((name) => name.endsWith('.mkv')).length, 3);

		await mkdir(handlers);
		await writeFile(
			join(handlers, 'count.mjs'),
			`export default ({ from, options }) => {
			if (options.fails === from.getUTCSeconds()) throw Object.assign(new Error('no such model'), { code: 'KVS_DENIED' });
			return from.getUTCSeconds();
		};`,
		);
		const module = ['--handlers', handlers, '--wait'];
		const handled = await submit(
			join(handlers, 'count.mjs'),
			...module,
			'--options',
			'{"fails":8}',
			'--json',
		);
		t.is(handled.code, 3, handled.stderr);
		const lines = handled.stdout
			.split('\n')
			.filter(Boolean)
			.map((line) => JSON.parse(line));
		t.deepEqual(
			lines.map(({ type }) => type),
			['slice', 'slice', 'slice', 'summary'],
		);
		t.like(lines.at(-1), {
			slices: 3,
			slicesFailed: 1,
			fragments: 12,
			delivered: 8,
			missing: 4,
			isComplete: false,
		});
		const named = await submit(join(handlers, 'count.mjs'), ...module, '--options', '{"fails":16}');
		t.is(named.code, 3);
		t.is(
			named.stderr,
			'slice 2026-01-31T00:00:16.000Z to 2026-01-31T00:01:00.000Z: no such model\ndone: 2 of 3 slices, 8 of 12 fragments, 4 missing\n',
		);
		const follow = ['submit', 'follow', '--redis', url, '--endpoint', endpoint];
		const added = await commandLine([...follow, '--all-streams', '-o', join(out, 'cams'), '--out', out]);
		t.deepEqual([added.code, added.stderr], [0, 'streams followed: 1, 1 added, 0 removed\n']);
		const removed = await commandLine([...follow, '--remove', 'door,none', '--json']);
		t.deepEqual(JSON.parse(removed.stdout), { type: 'follow', added: 0, removed: 1 });
		work.process.kill('SIGTERM');
		t.is(await work.ended, 0);
		t.regex(work.stdout(), /^door 2026-01-31T00:00:00.000Z to 2026-01-31T00:00:07.999Z: 4 of 4 fragments$/m);
		t.is(await readFile(join(out, 'day', 'slices.json'), 'utf8').catch(() => null), null);
	},
);

test('what submit and work cannot use is refused before anything is connected', async (t) => {
	const redis = ['--redis', 'redis://user:secret@127.0.0.1:1'];
	for (const [args, code, says] of [
		[['submit', 'export', ...range, '-o', '/elsewhere', ...redis], 2, /`-o` to be below `/],
		[['submit', 'export', ...range, '-o', 's3://X/x', ...redis], 2, /`-o` to be `s3:/],
		[['submit', 'export', ...range, ...redis], 2, /`-o` to be given/],
		[['submit', 'frames', ...range, '-o', 'x', '--layout', 'zip', ...redis], 2, /`--layout` to be/],
		[['submit', 'export', ...range, '-o', 'x', '--slice', '0s', ...redis], 2, /`--slice` to be/],
		[['submit', 'export', ...range, '-o', 'x', '--redis', 'host'], 2, /`--redis` to be redis:/],
		[['submit', '../x.mjs', ...range, ...redis], 2, /`module` to be below/],
		[['submit', 'x.mjs', ...range, '--options', '{', ...redis], 2, /`--options` to be JSON/],
		[['submit', 'x.mjs', ...range, '--endpoint', 'http://a:secret@host', ...redis], 2, /without a user name/],
		[
			['submit', 'x.mjs', ...range, ...redis],
			1,
			/cannot reach the queue in redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/,
		],
		[['submit', 'follow', 'x.mjs', ...redis], 2, /`--streams` to be given, or --all-streams/],
		[['submit', 'follow', '--streams', 'a', ...redis], 2, /`module` to be given, or -o/],
		[
			['submit', 'follow', 'x.mjs', '--streams', 'a', '--split', '5m', ...redis],
			2,
			/`--split` to be given with -o/,
		],
		[['submit', 'follow', 'x.mjs', '--streams', 'a', '--every', '0s', ...redis], 2, /`--every` to be/],
		[['work', ...redis, '--concurrency', '0'], 2, /`--concurrency` to be a whole number/],
		[['work', ...redis, '--grace', 'x'], 2, /`--grace` to be/],
		[['work'], 2, /--redis/],
	] as const) {
		const outcome = await commandLine(args);
		t.is(outcome.code, code, outcome.stderr);
		t.regex(outcome.stderr, says);
		t.notRegex(outcome.stderr, /secret/);
	}
});
