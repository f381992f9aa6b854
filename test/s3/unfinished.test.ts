import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { s3 } from 'kvs-archive/s3';
import { whatHasCome } from '#lib/stream/abort.js';
import { recording } from '../helpers/media/payload.js';
import { between } from '../helpers/media/range.js';
import { main } from '../helpers/program/main-process.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { s3Client, s3Environment } from '../helpers/store/s3.js';
import { startS3Stub } from '../helpers/store/s3-stub.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { within } from '../helpers/wait.js';

const range = between(0, 800_000);

/** Of three parts. */
const large = recording(5, { frameBytes: 1_800_000 });

test('wherever an export into S3 is killed, the next run removes what it left, and fetches no media again', async (t) => {
	const served = await startArchive(t, { door: large });
	const stub = await startS3Stub(t);
	const staging = await temporaryDirectory(t);
	const file = join(await temporaryDirectory(t), 'x.mkv');
	await openArchive(t, served.endpoint).export(range, file);
	const bytes = await readFile(file);
	const args = ['export', '--stream', 'door', '--by', 'producer', '--endpoint', served.endpoint];
	const env = { ...process.env, ...s3Environment(stub.endpoint, staging) };
	const exported = (): ReturnType<typeof spawn> =>
		spawn(
			process.execPath,
			[
				main,
				...args,
				'--from',
				range.from.toISOString(),
				'--to',
				range.to.toISOString(),
				'-o',
				's3://media/d/x.mkv',
			],
			{ env, stdio: 'ignore' },
		);
	const places = ['CreateMultipartUpload', 'UploadPart', 'PutObject d/x.mkv.json'];
	for (const place of places) {
		const child = exported();
		stub.after = ({ operation, key }) => {
			if (place === operation || place === `${operation} ${key}`) child.kill('SIGKILL');
		};
		await within(once(child, 'close'), () => `not killed at ${place}`);
		t.is(child.signalCode, 'SIGKILL', place);
		const isLeft = !place.startsWith('PutObject');
		t.is(stub.uploads.size, isLeft ? 1 : 0, place);
		t.is(stub.objects.has('d/x.mkv.upload.json'), isLeft, place);
	}
	const before = served.count('GetMediaForFragmentList');
	stub.after = () => {};
	const last = exported();
	t.deepEqual(await within(once(last, 'close'), () => 'the last run'), [0, null]);
	t.is(served.count('GetMediaForFragmentList'), before);
	t.deepEqual([...stub.objects.keys()].sort(), ['d/x.mkv', 'd/x.mkv.json']);
	t.true(stub.objects.get('d/x.mkv')?.bytes.equals(bytes));
	t.is(stub.uploads.size, 0);
	t.deepEqual(await readdir(staging), []);
});

test('an abort leaves no upload, and the next call resumes; at most three parts are uploaded at once', async (t) => {
	const served = await startArchive(t, { door: recording(5, { frameBytes: 4_000_000 }) });
	const stub = await startS3Stub(t);
	const stagingDirectory = await temporaryDirectory(t);
	const place = s3('s3://media/x.mkv', { client: s3Client(t, stub.endpoint), stagingDirectory });
	const archive = openArchive(t, served.endpoint);
	for (const operation of ['CreateMultipartUpload', 'UploadPart']) {
		const controller = new AbortController();
		const reason = new Error('enough');
		stub.after = (request) => {
			if (request.operation === operation) controller.abort(reason);
		};
		await t.throwsAsync(archive.export(range, place, { signal: controller.signal }), { is: reason });
		t.is(stub.uploads.size, 0, operation);
		t.deepEqual([...stub.objects.keys()], [], operation);
	}
	// None is done before three have come, and a fourth could have.
	stub.mostBytesUnderWay = 0;
	let parts = 0;
	let release = (): void => {};
	const released = new Promise<void>((resolve) => {
		release = resolve;
	});
	stub.after = async ({ operation }) => {
		if (operation !== 'UploadPart') return;
		if (++parts === 3) await whatHasCome().then(release);
		await released;
	};
	t.like(await archive.export(range, place), { resumed: 5, verified: false });
	t.is(stub.mostBytesUnderWay, 3 * 8 * 1024 * 1024);
	t.deepEqual([...stub.objects.keys()].sort(), ['x.mkv', 'x.mkv.json']);
	t.is(stub.uploads.size, 0);
});

test('a part that fails leaves no upload; where that cannot be removed, the record stays for the next run', async (t) => {
	const served = await startArchive(t, { door: large });
	const stub = await startS3Stub(t);
	const stagingDirectory = await temporaryDirectory(t);
	const place = s3('s3://media/x.mkv', { client: s3Client(t, stub.endpoint), stagingDirectory });
	const archive = openArchive(t, served.endpoint);
	let isAway = false;
	stub.before = ({ operation }) => {
		if (operation === 'UploadPart') return { status: 500 };
		return isAway && operation === 'AbortMultipartUpload' ? { status: 500 } : null;
	};
	await t.throwsAsync(archive.export(range, place), {
		code: 'KVS_STORAGE_FAILED',
		message: /^cannot write `s3:\/\/media\/x\.mkv`/,
	});
	t.deepEqual([stub.uploads.size, stub.objects.size], [0, 0]);
	isAway = true;
	await t.throwsAsync(archive.export(range, place), { code: 'KVS_STORAGE_FAILED' });
	t.deepEqual([stub.uploads.size, [...stub.objects.keys()]], [1, ['x.mkv.upload.json']]);
	stub.before = () => null;
	await archive.export(range, place);
	t.deepEqual([stub.uploads.size, [...stub.objects.keys()]], [0, ['x.mkv', 'x.mkv.json']]);
});

test('an invalid record of unfinished uploads stops the export, and is kept', async (t) => {
	const served = await startArchive(t, { door: large });
	const stub = await startS3Stub(t);
	const stagingDirectory = await temporaryDirectory(t);
	const place = s3('s3://media/d/x.mkv', { client: s3Client(t, stub.endpoint), stagingDirectory });
	for (const text of [
		'{}',
		'mine',
		'{"format":"kvs-archive uploads 1","uploads":[{"key":"e/x","uploadId":"1"}]}',
		' '.repeat(70_000),
	]) {
		stub.objects.set('d/x.mkv.upload.json', { bytes: Buffer.from(text), type: '' });
		await t.throwsAsync(openArchive(t, served.endpoint).export(range, place), {
			code: 'KVS_STORAGE_FAILED',
			message: /^`s3:\/\/media\/d\/x\.mkv\.upload\.json` is not a record of unfinished uploads/,
		});
	}
	t.deepEqual([...stub.objects.keys()], ['d/x.mkv.upload.json']);
});
