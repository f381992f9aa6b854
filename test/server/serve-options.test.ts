import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { KinesisVideoClient, ListStreamsCommand } from '@aws-sdk/client-kinesis-video';
import test, { type ExecutionContext } from 'ava';
import { fragmentDocument } from '../helpers/media/payload.js';
import { testWith } from '../helpers/needs.js';
import { commandLine } from '../helpers/program/command-line.js';
import { makeCertificate } from '../helpers/service/certificate.js';
import type { Outcome } from '../helpers/tools.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { writeRecordingOf } from './made-media.js';
import { plainClient } from './plain-client.js';
import { onDemand, videoFragments } from './playback/start-playback.js';

function spawnServe(t: ExecutionContext, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
	const child = spawn(process.execPath, [resolve('dist/cli/main.js'), 'serve', '--port', '0', ...args], {
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, KVS_ARCHIVE_CREDENTIALS: undefined, ...env },
	});
	t.teardown(() => child.kill('SIGKILL'));
	return child;
}

const refusal = (args: readonly string[]): Promise<Outcome> => commandLine(['serve', '--port', '0', ...args]);

test('serve applies the faults of a file and enforces quotas', async (t) => {
	const directory = await temporaryDirectory(t);
	const file = join(directory, 'door.mkv');
	const numbers = await writeRecordingOf(file, 3);
	const rules = join(directory, 'faults.json');
	await writeFile(rules, '[{ "fault": "server-error", "status": 503, "nth": 1 }]');
	const child = spawnServe(t, ['--ingest', `door=${file}`, '--quotas', 'aws', '--faults', rules]);
	const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
	const send = plainClient(t, line.replace('listening on ', ''));
	const body = { StreamName: 'door', Fragments: Array.from({ length: 1000 }, () => numbers[0]) };
	let { awsError } = await send('GetMediaForFragmentList', body).response;
	t.is(awsError, 'ServiceUnavailable');
	// Each that is let in costs two seconds' worth, so even a slow machine cannot ask without end.
	do ({ awsError } = await send('GetMediaForFragmentList', body).response);
	while (awsError === null);
	t.is(awsError, 'ClientLimitExceededException');
});

test('serve holds as many playback sessions a stream as its option says', async (t) => {
	const file = join(await temporaryDirectory(t), 'door.mkv');
	await writeFile(file, Buffer.concat(videoFragments(2).map(fragmentDocument)));
	const child = spawnServe(t, ['--ingest', `door=${file}`, '--hls-sessions', '1']);
	const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
	const endpoint = line.replace('listening on ', '');
	const open = async (): Promise<string> => {
		const body = JSON.stringify({ StreamName: 'door', ...onDemand() });
		const response = await fetch(`${endpoint}/getHLSStreamingSessionURL`, { method: 'POST', body });
		return ((await response.json()) as { HLSStreamingSessionURL: string }).HLSStreamingSessionURL;
	};
	const first = await open();
	t.is((await fetch(first)).status, 200);
	const second = await open();
	t.deepEqual([(await fetch(first)).status, (await fetch(second)).status], [403, 200]);

	const none = await refusal(['--hls-sessions', '0']);
	t.is(none.code, 2);
	t.regex(none.stderr, /`--hls-sessions` to be/);
});

test('serve with credentials verifies signatures, and then listens on any address', async (t) => {
	const child = spawnServe(t, ['--host', '0.0.0.0', '--credentials', 'A:a', '--credentials', 'B:b'], {
		KVS_ARCHIVE_CREDENTIALS: 'C:c D:d:token',
	});
	const said = text(child.stderr);
	const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
	t.regex(line, /^listening on http:\/\/0\.0\.0\.0:\d+$/);
	const endpoint = line.replace('listening on ', '').replace('0.0.0.0', '127.0.0.1');
	const rows = [
		['A', 'a', undefined, null],
		['B', 'b', undefined, null],
		['C', 'c', undefined, null],
		['D', 'd', 'token', null],
		['D', 'd', undefined, 'UnrecognizedClientException'],
		['A', 'b', undefined, 'InvalidSignatureException'],
	] as const;
	for (const [accessKeyId, secretAccessKey, sessionToken, name] of rows) {
		const client = new KinesisVideoClient({
			endpoint,
			region: 'us-east-1',
			credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
		});
		t.teardown(() => client.destroy());
		const asked = client.send(new ListStreamsCommand({}));
		if (name === null) t.deepEqual((await asked).StreamInfoList, []);
		else await t.throwsAsync(asked, { name });
	}
	child.kill('SIGTERM');
	t.is(await said, '');
});

test('serve gives the streams that it makes the retention of its option', async (t) => {
	const file = join(await temporaryDirectory(t), 'door.mkv');
	await writeRecordingOf(file, 1);
	const rows = [
		[[], 24],
		[['--retention', '0'], 0],
		[['--retention', '87600', '--fsync', 'off'], 87_600],
	] as const;
	for (const [args, hours] of rows) {
		const child = spawnServe(t, ['--ingest', `door=${file}`, ...args]);
		const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
		const body = '{"StreamName":"door"}';
		const response = await fetch(`${line.replace('listening on ', '')}/describeStream`, {
			method: 'POST',
			body,
		});
		t.like(await response.json(), { StreamInfo: { DataRetentionInHours: hours } });
		child.kill('SIGKILL');
	}
	for (const [args, message] of [
		[['--retention', '87601'], /`--retention` to be a whole number from 0 to 87600, got `87601`\n$/],
		[['--retention', '1.5'], /`--retention` to be a whole number, got `1\.5`\n$/],
		[['--fsync', 'no'], /`--fsync` to be on or off, got `no`\n$/],
	] as const) {
		const { code, stderr } = await refusal(args);
		t.is(code, 2, args.join(' '));
		t.regex(stderr, message);
	}
});

testWith('openssl')('serve speaks HTTPS with a certificate and its key', async (t) => {
	const directory = await temporaryDirectory(t);
	const { certFile, keyFile, cert } = await makeCertificate(directory);
	const child = spawnServe(t, ['--tls-cert', certFile, '--tls-key', keyFile]);
	const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
	t.regex(line, /^listening on https:\/\/127\.0\.0\.1:\d+$/);
	const client = new KinesisVideoClient({
		endpoint: line.replace('listening on ', ''),
		region: 'us-east-1',
		credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
		requestHandler: { httpsAgent: { ca: cert } },
	});
	t.teardown(() => client.destroy());
	t.deepEqual((await client.send(new ListStreamsCommand({}))).StreamInfoList, []);

	const none = join(directory, 'none.pem');
	const rows: [string[], RegExp][] = [
		[
			['--tls-cert', certFile],
			/expected `--tls-key` to be a file, since --tls-cert is given, got nothing\n$/,
		],
		[['--tls-key', keyFile], /expected `--tls-cert` to be a file, since --tls-key is given, got nothing\n$/],
		[
			['--tls-cert', none, '--tls-key', keyFile],
			/`--tls-cert` .*\(there is no such file\), got `.*none\.pem`\n$/,
		],
		[['--tls-cert', certFile, '--tls-key', directory], /`--tls-key` .*EISDIR.*\n$/],
		[['--tls-cert', keyFile, '--tls-key', keyFile], /`--tls-cert` to be a certificate in PEM .*\n$/],
		[['--tls-cert', certFile, '--tls-key', certFile], /`--tls-key` to be a private key in PEM.*\n$/],
	];
	for (const [args, message] of rows) {
		const { code, stderr } = await refusal(args);
		t.is(code, 2, args.join(' '));
		t.regex(stderr, message);
	}
});

test('serve refuses invalid options, in one line', async (t) => {
	const directory = await temporaryDirectory(t);
	const broken = join(directory, 'broken.json');
	await writeFile(broken, '[{ "fault": ');
	const wrong = join(directory, 'wrong.json');
	await writeFile(wrong, '[{ "fault": "reset" }, { "fault": "cut", "atByte": "9" }]');
	const rows: [string[], RegExp][] = [
		[['--quotas', 'on'], /^KVS_INVALID_OPTION: expected `--quotas` to be aws or off, got `on`\n$/],
		[['--faults', join(directory, 'none')], /^KVS_INVALID_OPTION: expected `--faults` .*no such file.*\n$/],
		[['--faults', broken], /^KVS_INVALID_OPTION: expected `--faults` .*JSON.*\n$/],
		[['--faults', wrong], /^KVS_INVALID_OPTION: expected `faults\[1\]\.atByte` to be a whole number .*\n$/],
	];
	for (const [args, message] of rows) {
		const { code, stderr } = await refusal(args);
		t.is(code, 2, args.join(' '));
		t.regex(stderr, message);
	}
});
