import test from 'ava';
import { s3 } from 'kvs-archive/s3';
import { recording } from '../helpers/media/payload.js';
import { between } from '../helpers/media/range.js';
import { runWithoutPackages } from '../helpers/package/without-packages.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { s3Client, startS3 } from '../helpers/store/s3.js';
import { refusal, startS3Stub } from '../helpers/store/s3-stub.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 800_000);

test('a bucket that does not exist is an error that names it, before anything is read', async (t) => {
	const served = await startArchive(t, { door: recording(2) });
	const { place } = await startS3(t);
	await t.throwsAsync(openArchive(t, served.endpoint).export(range, place('s3://absent/x.mkv')), {
		code: 'KVS_STORAGE_FAILED',
		message: 'cannot read `s3://absent/x.mkv.upload.json`: the bucket does not exist (NoSuchBucket)',
	});
	t.is(served.count('GetMediaForFragmentList'), 0);
});

test('an S3 error is explained, with its cause, and the next export does not fetch the media again', async (t) => {
	const served = await startArchive(t, { door: recording(2) });
	const stub = await startS3Stub(t);
	const stagingDirectory = await temporaryDirectory(t);
	const place = s3('s3://media/x.mkv', { client: s3Client(t, stub.endpoint), stagingDirectory });
	const archive = openArchive(t, served.endpoint);
	const cases = [
		[
			refusal(403, 'AccessDenied'),
			/access is denied: check the credentials and their policy \(AccessDenied: /,
		],
		[refusal(403, 'SignatureDoesNotMatch'), /access is denied: .*\(SignatureDoesNotMatch: /],
		[refusal(400, 'ExpiredToken'), /the credentials have expired: get new ones \(ExpiredToken\)/],
		[refusal(503, 'SlowDown'), /S3 throttled the request, and retries did not help \(SlowDown\)/],
		[
			refusal(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-3' }),
			/the bucket is in the region eu-west-3: name that region \(PermanentRedirect\)/,
		],
		[refusal(400, 'EntityTooLarge'), /because of EntityTooLarge \(EntityTooLarge, HTTP 400\)/],
	] as const;
	for (const [refused, message] of cases) {
		stub.before = ({ operation }) => (operation === 'PutObject' ? refused : null);
		const error = await t.throwsAsync(archive.export(range, place), { code: 'KVS_STORAGE_FAILED', message });
		t.regex(error.message, /^cannot write `s3:\/\/media\/x\.mkv`: /);
		t.true(error.cause instanceof Error);
		t.is((error as { target?: string }).target, 's3://media/x.mkv');
	}
	t.is(served.count('GetMediaForFragmentList'), 1);
	stub.before = () => null;
	t.like(await archive.export(range, place), { verified: false, resumed: 2 });
	t.is(served.count('GetMediaForFragmentList'), 1);
});

test('a throttled upload is retried, and a download that breaks off is resumed', async (t) => {
	const served = await startArchive(t, { door: recording(2) });
	const stub = await startS3Stub(t);
	const stagingDirectory = await temporaryDirectory(t);
	const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
	process.env['AWS_ENDPOINT_URL_S3'] = stub.endpoint;
	const place = s3('s3://media/x.mkv', { region: 'eu-west-1', credentials, stagingDirectory });
	let left = 2;
	stub.before = ({ operation }) => {
		if (operation === 'PutObject' && left-- > 0) return refusal(503, 'SlowDown');
		return null;
	};
	const archive = openArchive(t, served.endpoint);
	await archive.export(range, place);
	t.is(stub.requests.filter(({ operation, key }) => operation === 'PutObject' && key === 'x.mkv').length, 3);

	const whole = stub.objects.get('x.mkv') as { bytes: Buffer };
	let breaks = 0;
	stub.before = ({ operation, key }) => {
		if (operation !== 'GetObject' || key !== 'x.mkv' || breaks++ > 0) return null;
		const headers = { etag: '"whole"', 'content-length': whole.bytes.byteLength };
		return { headers, body: whole.bytes.subarray(0, 100), breaks: true };
	};
	t.like(await archive.export(range, place), { verified: true });
	t.true(breaks > 1);
});

test('invalid URLs and options are refused before any request', async (t) => {
	for (const url of [
		's3://',
		's3://ab/x.mkv',
		's3:///x.mkv',
		's3://Media/x.mkv',
		's3://media/../x.mkv',
		`s3://media/${'x'.repeat(1100)}`,
	]) {
		t.throws(() => s3(url), { code: 'KVS_INVALID_OPTION' }, url);
	}
	const client = s3Client(t, 'http://127.0.0.1:9');
	t.throws(() => s3('s3://media/x.mkv', { client, region: 'eu-west-1' }), { code: 'KVS_INVALID_OPTION' });
	const archive = openArchive(t, 'http://127.0.0.1:9');
	for (const url of ['s3://media', 's3://media/folder/', 's3://media/x.avi', 's3://ab/x.mkv']) {
		await t.throwsAsync(archive.export(range, url), { code: 'KVS_INVALID_OPTION' }, url);
	}
});

test('without the package one line says what to install', async (t) => {
	const program = `
		import { s3 } from './dist/s3/index.js';
		await s3('s3://media/x.mkv').open('file').catch(({ code, message }) => console.log(code, message));`;
	const stdout =
		'KVS_PEER_MISSING this needs the package `@aws-sdk/client-s3`, which is not installed: npm install @aws-sdk/client-s3\n';
	t.deepEqual(await runWithoutPackages(t, program), { code: 0, stdout, stderr: '' });
});
