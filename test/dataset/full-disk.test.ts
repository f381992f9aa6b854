import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { env, main } from '../helpers/program/main-process.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { all, digestOf, filmArchive } from './dataset-archive.js';

const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
const testWithMounts: typeof test = (canMount ? test : test.skip) as typeof test;
const why = canMount ? '' : ' (missing: leave to mount)';

/** A disk that is too small, what is left on it, and then the same command on the same disk with more room. */
const SCRIPT = `
mount -t tmpfs -o size=200k none "$1" && shift 1
"$@"; echo "$? $(ls -A "$DISK" | tr '\\n' ' ')"
mount -o remount,size=20m "$DISK"
"$@"; echo "$?"
cp -r "$DISK/." "$COPY"
`;

testWithMounts(
	`a full disk is reported and keeps the written shards; with more room the same command resumes${why}`,
	async (t) => {
		const { archive, endpoint } = await filmArchive(t, 3);
		const directory = await temporaryDirectory(t);
		const [disk, copy, whole] = ['disk', 'copy', 'whole'].map((name) => join(directory, name)) as [
			string,
			string,
			string,
		];
		for (const path of [disk, copy]) await mkdir(path);
		const select = ['--all', '--layout', 'webdataset', '--shard-size', '60KB'];
		const range = ['--from', all.from.toISOString(), '--to', all.to.toISOString(), '--by', 'producer'];
		const args = ['frames', '--stream', 'door', '--endpoint', endpoint, ...range, ...select, '-o', disk];
		const command = ['-Urm', 'sh', '-c', SCRIPT, 'sh', disk, process.execPath, main, ...args];
		const { stdout, stderr } = await run('unshare', command, { env: { ...env, DISK: disk, COPY: copy } });
		const [first, second] = stdout.trim().split('\n');
		t.regex(first ?? '', /^1 \.pictures-000000\.section .*\.pictures\.request door-000000\.tar .*$/);
		t.false(first?.includes('.part'));
		t.is(second, '0', stderr);
		const [full, done] = stderr.trim().split('\n');
		t.regex(full ?? '', /^KVS_SINK_FAILED: cannot write `.*\.tar`: the disk is full \(ENOSPC\)$/);
		t.regex(done ?? '', /^wrote .*: 90 pictures, .* [1-9]\d* pictures resumed$/);
		const { by, ...ends } = all;
		await archive.exportPictures({ ...ends, by }, whole, { layout: 'webdataset', shardSizeBytes: 60_000 });
		t.deepEqual(await digestOf(copy), await digestOf(whole));
		t.true((await readdir(whole)).length > 5);
		t.regex(await readFile(join(whole, 'manifest.jsonl'), 'utf8'), /"pictures":90/);
	},
);
