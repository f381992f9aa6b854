import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { InvalidOptionError } from '../../../index.js';
import {
	type AccessKey,
	type ArchiveServer,
	createArchiveServer,
	type FaultRule,
	type IngestSummary,
	type ServerIdentity,
	ServerMetrics,
} from '../../../server/index.js';
import { counted } from '../../../wording/counted.js';
import { listenError, readTrouble } from '../../../wording/system-trouble.js';
import type { CommandContext } from '../../command-context.js';
import { EXIT, Interruption } from '../../exit.js';
import { integerOption } from '../../integer-option.js';
import type { MetricsCommandOptions } from '../../metrics/metrics-options.js';
import { openMetrics } from '../../metrics/open-metrics.js';
import { parsePointInTime } from '../../point-in-time.js';
import { stopServer } from '../../stop-server.js';
import { requestLine } from './request-log.js';

/** Options of `serve`. */
export interface ServeOptions extends MetricsCommandOptions {
	readonly port?: string;
	readonly host: string;
	readonly data?: string;
	readonly ingest?: readonly string[];
	readonly region: string;
	readonly quotas: 'aws' | 'off';
	readonly faults?: string;
	readonly credentials?: readonly string[];
	readonly ffmpeg?: string;
	readonly hlsSessions?: string;
	readonly retention?: string;
	readonly fsync: 'on' | 'off';
	readonly log?: true;
	readonly tlsCert?: string;
	readonly tlsKey?: string;
}

/** Where the local archive listens by default. */
const DEFAULT_PORT = 4580;

/** Where keys may stand as well, apart by spaces or commas: every user of a machine may read its command lines. */
const CREDENTIALS_VARIABLE = 'KVS_ARCHIVE_CREDENTIALS';

/** One `--ingest`. */
interface IngestRequest {
	readonly stream: string;
	readonly file: string;
	readonly start: Date | undefined;
}

/** Runs the local archive until it is interrupted. */
export async function serve(
	options: ServeOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const port = integerOption('--port', options.port) ?? DEFAULT_PORT;
	if (port > 65_535) throw new InvalidOptionError('--port', 'from 0 to 65535', port);
	const credentials = readCredentials(options.credentials ?? []);
	if (credentials.length === 0 && !isLoopbackHost(options.host)) {
		throw new InvalidOptionError(
			'--host',
			`a loopback address, since neither --credentials nor ${CREDENTIALS_VARIABLE} is given`,
			options.host,
		);
	}
	const requests = (options.ingest ?? []).map((text) => parseIngest(text, nowMs));
	const metrics = options.metrics === undefined ? undefined : new ServerMetrics(() => server.archive);
	const server: ArchiveServer = createArchiveServer({
		dataDirectory: options.data,
		onWarning: (message) => terminal.say(message),
		region: options.region,
		retentionHours: integerOption('--retention', options.retention),
		fsync: options.fsync === 'on',
		quotas: options.quotas,
		...(credentials.length > 0 && { credentials }),
		faults: options.faults === undefined ? [] : await readFaults(options.faults),
		ffmpeg: options.ffmpeg,
		hlsSessions: integerOption('--hls-sessions', options.hlsSessions),
		tls: await readIdentity(options),
		onRequest: metrics?.onRequest,
		onResponseEnd: (record) => {
			metrics?.onResponseEnd(record);
			if (options.log) terminal.say(requestLine(record));
		},
	});
	try {
		await server.archive.ready;
		await using _ = await openMetrics(options, metrics, terminal);
		for (const { stream, file, start } of requests) {
			const summary = await server.archive.ingest(stream, file, { start, signal });
			terminal.say(ingestLine(file, summary));
			for (const omission of summary.omissions) terminal.say(`${stream}: ${file}: ${omission}`);
		}
		server.listen(port, options.host);
		await Promise.race([
			once(server, 'listening', { signal }),
			once(server, 'error').then(([error]) => Promise.reject(error)),
		]);
		await terminal.write([`listening on ${server.endpoint}`]);
		await once(server, 'close', { signal });
		return EXIT.done;
	} catch (error) {
		// To be stopped is how a server ends.
		if (signal.reason instanceof Interruption && signal.reason.signal === 'SIGTERM') return EXIT.done;
		signal.throwIfAborted();
		const { syscall } = error as NodeJS.ErrnoException;
		throw syscall === 'listen' ? listenError(options.host, port, error) : error;
	} finally {
		await stopServer(server);
	}
}

/** The keys of the command line and the environment. No error repeats what was given. */
function readCredentials(given: readonly string[]): AccessKey[] {
	const inEnvironment = (process.env[CREDENTIALS_VARIABLE] ?? '')
		.split(/[\s,]+/)
		.filter((text) => text !== '');
	return [
		...given.map((text) => parseCredentials('--credentials', text)),
		...inEnvironment.map((text) => parseCredentials(CREDENTIALS_VARIABLE, text)),
	];
}

/** `KEY:SECRET`, or `KEY:SECRET:TOKEN` for a key that is good with its session token only. */
function parseCredentials(option: string, text: string): AccessKey {
	const [accessKeyId, secretAccessKey, sessionToken, ...rest] = text.split(':');
	if (!accessKeyId || !secretAccessKey || sessionToken === '' || rest.length > 0) {
		throw new InvalidOptionError(option, 'KEY:SECRET or KEY:SECRET:TOKEN', '***');
	}
	return { accessKeyId, secretAccessKey, sessionToken };
}

/** The rules of a fault file, unchecked: the server checks them. */
async function readFaults(file: string): Promise<FaultRule[]> {
	try {
		return JSON.parse(await readFile(file, 'utf8'));
	} catch (error) {
		throw new InvalidOptionError(
			'--faults',
			`a readable file of fault rules in JSON (${readTrouble(error)})`,
			file,
		);
	}
}

/** The certificate and the key, unchecked: the server checks them. */
async function readIdentity({ tlsCert, tlsKey }: ServeOptions): Promise<ServerIdentity | undefined> {
	if (tlsCert === undefined && tlsKey === undefined) return undefined;
	if (tlsCert === undefined)
		throw new InvalidOptionError('--tls-cert', 'a file, since --tls-key is given', tlsCert);
	if (tlsKey === undefined)
		throw new InvalidOptionError('--tls-key', 'a file, since --tls-cert is given', tlsKey);
	const read = async (option: string, file: string): Promise<Buffer> => {
		try {
			return await readFile(file);
		} catch (error) {
			throw new InvalidOptionError(option, `a readable file in PEM (${readTrouble(error)})`, file);
		}
	};
	return { cert: await read('--tls-cert', tlsCert), key: await read('--tls-key', tlsKey) };
}

/** `STREAM=FILE`, with a start after an `@` where what follows is a time. */
function parseIngest(text: string, nowMs: number): IngestRequest {
	const match = /^([a-zA-Z0-9_.-]{1,256})=(.+)$/s.exec(text);
	if (match === null) throw new InvalidOptionError('--ingest', 'STREAM=FILE or STREAM=FILE@START', text);
	const [, stream = '', target = ''] = match;
	const at = /^(.+)@(\d{4}-\d{2}-\d{2}.*|\d+(?:\.\d+)?|now[^/]*|[+-]\d[^/]*)$/s.exec(target);
	if (at === null) return { stream, file: target, start: undefined };
	const [, file = '', start = ''] = at;
	return { stream, file, start: parsePointInTime('--ingest', start, nowMs) };
}

function ingestLine(file: string, summary: IngestSummary): string {
	const { stream, fragments, alreadyPresent } = summary;
	return alreadyPresent
		? `${stream}: ${file} is already there`
		: `${stream}: ${file} ingested, ${counted(fragments, 'fragment')}`;
}

function isLoopbackHost(host: string): boolean {
	return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
