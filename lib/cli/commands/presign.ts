import { InvalidOptionError, type PresignOptions } from '../../index.js';
import { type ArchiveCommandOptions, archiveOf } from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { parsePointInTime } from '../point-in-time.js';
import { secondsOption } from '../seconds-option.js';

/** Options of `presign`. */
export interface PresignCommandOptions extends ArchiveCommandOptions {
	readonly param?: readonly string[];
	readonly params?: string;
	readonly expiresIn?: string;
	readonly method?: PresignOptions['method'];
}

/** Members that are texts though they may look like numbers. */
const textMembers: ReadonlySet<string> = new Set(['StreamName', 'StreamARN', 'NextToken']);

/** Signs a call and prints it. */
export async function presign(
	operation: string,
	options: PresignCommandOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const params = readParams(options, nowMs);
	await using archive = archiveOf(options, { terminal });
	const request = await archive.presign(operation, params, {
		expiresIn: secondsOption('--expires-in', options.expiresIn),
		method: options.method,
		signal,
	});
	if (options.json) await terminal.writeJson([{ type: 'presigned-request', ...request }]);
	else {
		await terminal.write([request.url]);
		const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
		const body = request.body === null ? '' : `, with the body ${request.body}`;
		terminal.say(`send it as ${request.method}, with ${headers.join(', ')}${body}`);
	}
	return EXIT.done;
}

/** The members of `--params`, and those of each `--param` over them. */
function readParams({ params, param = [] }: PresignCommandOptions, nowMs: number): Record<string, unknown> {
	const members = params === undefined ? {} : parseJson('--params', params);
	if (members === null || typeof members !== 'object' || Array.isArray(members)) {
		throw new InvalidOptionError('--params', 'a JSON object', params);
	}
	const single = param.map((text) => {
		const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
		if (name === undefined || value === undefined) {
			throw new InvalidOptionError('--param', 'NAME=VALUE', text);
		}
		return [name, readValue(name, value)];
	});
	return withDates({ ...members, ...Object.fromEntries(single) }, nowMs) as Record<string, unknown>;
}

function readValue(name: string, text: string): unknown {
	if (/^[{[]/.test(text)) return parseJson('--param', text);
	return /^\d{1,15}$/.test(text) && !textMembers.has(name) ? Number(text) : text;
}

/** Members that end in `Timestamp` as the SDK wants them; JSON has no dates. */
function withDates(value: unknown, nowMs: number, name = ''): unknown {
	if (name.endsWith('Timestamp') && ['string', 'number'].includes(typeof value)) {
		return parsePointInTime(name, String(value), nowMs);
	}
	if (Array.isArray(value)) return value.map((item) => withDates(item, nowMs));
	if (value === null || typeof value !== 'object') return value;
	return Object.fromEntries(
		Object.entries(value).map(([key, member]) => [key, withDates(member, nowMs, key)]),
	);
}

function parseJson(option: string, text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		throw new InvalidOptionError(option, 'JSON', text);
	}
}
