import { resolve } from 'node:path';
import test from 'ava';
import { type Outcome, run } from '../../helpers/tools.js';

const hls = (args: readonly string[]): Promise<Outcome> =>
	run(process.execPath, [resolve('dist/cli/main.js'), 'hls', ...args], {
		env: { AWS_ACCESS_KEY_ID: undefined, AWS_PROFILE: undefined, AWS_ENDPOINT_URL: undefined },
	});

test('what the service would refuse is one clear line, before it is asked', async (t) => {
	const at = ['--stream', 'door', '--endpoint', 'http://127.0.0.1:1'];
	const range = ['--from', '-2h', '--to', '-1h'];
	const rows: [string[], RegExp][] = [
		[[...range], /.*--stream/],
		[[...at, ...range, '--mode', 'dead'], /.*`mode` to be 'live', 'live-replay' or 'on-demand'/],
		[[...at, ...range, '--mode', 'live'], /.*`from` to be left out/],
		[[...at, '--from', '-2h', '--to', '+1h'], /.*not in the future/],
		[[...at, '--from', '-25h'], /.*at most 24 hours/],
		[[...at, '--from', 'tomorrow'], /.*--from.*tomorrow/],
		[[...at, ...range, '--expires', '13h'], /.*`expiresIn`/],
		[[...at, ...range, '--expires', 'soon'], /.*--expires/],
	];
	for (const [args, message] of rows) {
		const { code, stdout, stderr } = await hls(args);
		t.is(stdout, '');
		t.is(code, 2, stderr);
		t.regex(stderr, new RegExp(`^KVS_INVALID_OPTION: ${message.source}`));
		t.is(stderr.split('\n').length, 2, stderr);
	}
});
