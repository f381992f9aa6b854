import { extname, resolve } from 'node:path';
import test from 'ava';
import { startRecorded } from '../helpers/files/record-run.js';
import { recording } from '../helpers/media/payload.js';
import { between } from '../helpers/media/range.js';
import { withFfmpeg } from '../helpers/needs.js';
import { commandLine, setEnvironment } from '../helpers/program/command-line.js';
import { startArchive } from '../helpers/service/archive.js';
import { startS3 } from '../helpers/store/s3.js';

test.serial('export, export --raw and verify take s3://, and say so', async (t) => {
	const { endpoint } = await startArchive(t, { door: recording(3) });
	const bucket = await startS3(t);
	setEnvironment(bucket.environment);
	const { from, to } = between(0, 800_000);
	const range = ['--from', from.toISOString(), '--to', to.toISOString(), '--by', 'producer'];
	const options = ['--stream', 'door', '--endpoint', endpoint, ...range];
	const exported = await commandLine(['export', ...options, '-o', 's3://media/a/x.mkv', '--split', '3s']);
	t.is(exported.code, 0, exported.stderr);
	t.regex(exported.stderr, /^wrote 2 files: 3 of 3 fragments/m);
	t.regex(exported.stderr, /^ {2}s3:\/\/media\/a\/x-002\.mkv: /m);
	for (const url of ['s3://media/a/x.mkv', 's3://media/a/x-002.mkv', 's3://media/a/x.mkv.json']) {
		const verified = await commandLine(['verify', url]);
		t.is(verified.code, 0, verified.stderr);
		t.regex(verified.stderr, /^s3:\/\/media\/a\/x\.mkv matches its manifest: 3 of 3 fragments, 6 frames/);
	}
	const raw = await commandLine(['export', ...options, '--raw', 's3://media/raw.mkv']);
	t.regex(raw.stderr, /^wrote s3:\/\/media\/raw\.mkv: 3 of 3 fragments/m);
	const missing = await commandLine(['verify', 's3://media/raw.mkv']);
	t.is(missing.code, 1);
	t.regex(missing.stderr, /^KVS_MANIFEST_MISSING: cannot check `s3:\/\/media\/raw\.mkv`/);
	const absent = await commandLine(['export', ...options, '-o', 's3://absent/x.mkv']);
	t.is(absent.code, 1);
	t.regex(absent.stderr, /KVS_STORAGE_FAILED: .*the bucket does not exist \(NoSuchBucket\)\n$/);
	t.is((await commandLine(['export', ...options, '-o', 's3://X/x.mkv'])).code, 2);
});

test.serial('follow -o s3:// records there, and verify checks it', async (t) => {
	const { put, endpoint, untilNow } = await startRecorded(t);
	const bucket = await startS3(t);
	setEnvironment(bucket.environment);
	await put(1, 2, 3);
	const until = new Date(await untilNow()).toISOString();
	const options = ['--stream', 'cam', '--endpoint', endpoint, '--from', 'earliest', '--until', until];
	const recorded = await commandLine(['follow', ...options, '-o', 's3://media/door', '--container', 'mkv']);
	t.is(recorded.code, 0, recorded.stderr);
	for (const url of ['s3://media/door/', 's3://media/door/recordings.jsonl']) {
		const verified = await commandLine(['verify', url]);
		t.is(verified.code, 0, verified.stderr);
		t.regex(verified.stderr, /matches its recordings\.jsonl: 1 file, 3 fragments, 6 frames/);
	}
});

withFfmpeg('frames -o s3:// writes pictures of any layout there, once, and verify checks them', async (t) => {
	const { endpoint } = await startArchive(t, { door: resolve('examples/media/clock.mkv') });
	const bucket = await startS3(t);
	setEnvironment(bucket.environment);
	const { from, to } = between(0, 800_000);
	const range = ['--from', from.toISOString(), '--to', to.toISOString(), '--by', 'producer'];
	const options = ['--stream', 'door', '--endpoint', endpoint, ...range, '--keyframes', '--size', '64x48'];
	for (const layout of ['files', 'webdataset']) {
		const command = ['frames', ...options, '-o', `s3://media/${layout}/`, '--layout', layout];
		const written = await commandLine(command);
		t.is(written.code, 0, written.stderr);
		const keys = await bucket.keys();
		const again = await commandLine(command);
		t.is(again.code, 0, again.stderr);
		t.deepEqual(await bucket.keys(), keys);
		const verified = await commandLine(['verify', `s3://media/${layout}/`]);
		t.is(verified.code, 0, verified.stderr);
		t.regex(verified.stderr, new RegExp(`^s3://media/${layout}/ matches its manifest\\.jsonl: ${layout}, `));
	}
	const types = new Map<string, string | undefined>();
	for (const key of await bucket.keys()) types.set(extname(key), (await bucket.object(key)).type);
	t.deepEqual(Object.fromEntries(types), {
		'.jpg': 'image/jpeg',
		'.jsonl': 'application/x-ndjson',
		'.tar': 'application/x-tar',
	});
	const at = new Date(from.getTime() + 5000).toISOString();
	const onScreen = ['--stream', 'door', '--endpoint', endpoint, '--at', at, '--by', 'producer'];
	const screen = await commandLine(['frames', ...onScreen, '-o', 's3://media/at']);
	t.is(screen.code, 0, screen.stderr);
	t.is((await bucket.keys()).filter((key) => key.startsWith('at/')).length, 2);
});
