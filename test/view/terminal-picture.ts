import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { openPage, screenshot } from './view-page.js';

/** What the escape sequences of the command line's colours mean. */
const STYLES: Readonly<Record<string, string>> = {
	'1': 'font-weight:bold',
	'33': 'color:#e5c07b',
	'36': 'color:#56b6c2',
};

/** A screenshot of what a command prints, as a terminal shows it, where KVS_SCREENSHOTS names a directory for it. */
export async function terminalPicture(
	t: ExecutionContext,
	args: readonly string[],
	name: string,
): Promise<string> {
	const env = {
		...process.env,
		FORCE_COLOR: '1',
		AWS_ACCESS_KEY_ID: 'local',
		AWS_SECRET_ACCESS_KEY: 'local',
		AWS_REGION: 'us-east-1',
	};
	const { stdout } = await promisify(execFile)(process.execPath, [resolve('dist/cli/main.js'), ...args], {
		env,
	});
	const command = ['kvs-archive', ...args].join(' ');
	const lines = `$ ${command}\n${stdout}`.replace(/[&<]/g, (char) => (char === '&' ? '&amp;' : '&lt;'));
	const [plain = '', ...styled] = lines.split('\u001b[');
	const html = plain + styled.map(spanOf).join('');
	const style =
		'background:#0f151c;color:#e8eef5;margin:0;padding:16px;font:14px/1.5 monospace;white-space:pre-wrap';
	const page = `<body style="margin:0"><pre style="${style}">${html}</pre></body>`;
	const opened = await openPage(t, `data:text/html,${encodeURIComponent(page)}`, {
		viewport: { width: 1200, height: 300 },
	});
	await screenshot(opened.page, name);
	return stdout;
}

/** What follows the beginning of an escape sequence: `1mspan 0`. */
function spanOf(sequence: string): string {
	const [, code = '', text = ''] = /^(\d+)m([\s\S]*)$/.exec(sequence) ?? [];
	return STYLES[code] === undefined ? text : `<span style="${STYLES[code]}">${text}</span>`;
}
