import type { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import { InvalidOptionError } from '../errors.js';
import { requestSigner } from './request-signer.js';
import type { DataClient } from './sdk-clients.js';

const DEFAULT_EXPIRES_SECONDS = 3600;

/** A week: the longest that AWS takes. */
const MAX_EXPIRES_SECONDS = 604_800;

/** How a request is presigned. */
export interface PresignOptions {
	/** How long the signature is valid, in seconds, up to a week. @default 3600 */
	readonly expiresIn?: number | undefined;
	/** A `GET` is for links: it takes members that are strings or numbers only. @default 'POST' */
	readonly method?: 'GET' | 'POST' | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * A signed request: anyone can send it as it is, without credentials, until it expires: `fetch(url, { method,
 * headers, body })`. The URL holds the access key id, the session token where there is one, and a signature; never the
 * secret key.
 */
export interface PresignedRequest {
	readonly url: string;
	readonly method: 'GET' | 'POST';
	/** They are signed: to be sent as they are. */
	readonly headers: Readonly<Record<string, string>>;
	/** JSON; null where everything is in the URL. It is signed too. */
	readonly body: string | null;
}

/** Checks options and fills in what is not given. Throws {@link InvalidOptionError}. */
export function resolvePresignOptions({
	expiresIn = DEFAULT_EXPIRES_SECONDS,
	method = 'POST',
}: PresignOptions): { expiresIn: number; method: 'GET' | 'POST' } {
	if (!Number.isInteger(expiresIn) || expiresIn < 1 || expiresIn > MAX_EXPIRES_SECONDS) {
		throw new InvalidOptionError(
			'expiresIn',
			`a whole number of seconds from 1 to ${MAX_EXPIRES_SECONDS}`,
			expiresIn,
		);
	}
	if (method !== 'GET' && method !== 'POST')
		throw new InvalidOptionError('method', "'GET' or 'POST'", method);
	return { expiresIn, method };
}

/**
 * Signs a command of the SDK into a URL (AWS Signature Version 4, in the query), and sends nothing.
 *
 * Members that are strings or numbers go into the query, and all that is then signed is what boto3's
 * `generate_presigned_url` signs. Where any member is nested, which boto3 writes into the query as Python prints it, all of
 * them stay in a JSON body.
 */
export async function presignCommand(
	client: KinesisVideoClient | DataClient,
	command: object,
	{ expiresIn, method, signingDate }: { expiresIn: number; method: 'GET' | 'POST'; signingDate: Date },
): Promise<PresignedRequest> {
	const { protocol, hostname, port, path, body: bytes } = await serialize(client, command);
	// The SDK's releases differ; and it warns of every use of these bytes as a text, `Buffer.from` among them.
	const body = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
	const members = JSON.parse(body) as Record<string, unknown>;
	for (const [name, value] of Object.entries((command as { input: object }).input)) {
		const isLost = value !== undefined && value !== null && !(name in members);
		// The SDK leaves out what it does not know; a call that means less than was asked is not to be signed.
		if (isLost)
			throw new InvalidOptionError(`params.${name}`, 'left out: the operation has no such member', value);
	}
	const isFlat = Object.values(members).every(
		(value) => typeof value === 'string' || typeof value === 'number',
	);
	if (method === 'GET' && !isFlat) {
		throw new InvalidOptionError('method', 'POST: nested members and lists need a body', method);
	}
	const isUsualPort = port === undefined || port === (protocol === 'https:' ? 443 : 80);
	const host = isUsualPort ? hostname : `${hostname}:${port}`;
	const headers = { 'content-type': 'application/json' };
	const { HttpRequest } = await import('@smithy/protocol-http');
	const signer = await requestSigner(client);
	const signed = await signer.presign(
		new HttpRequest({
			method,
			path,
			query: isFlat
				? Object.fromEntries(Object.entries(members).map(([name, value]) => [name, String(value)]))
				: {},
			headers: { ...headers, host },
			body: isFlat ? undefined : body,
		}),
		{ expiresIn, signingDate },
	);
	const query = Object.entries(signed.query ?? {}).map(
		([name, value]) => `${escapeUri(name)}=${escapeUri(String(value))}`,
	);
	return {
		url: `${protocol}//${host}${path}?${query.join('&')}`,
		method,
		headers,
		body: isFlat ? null : body,
	};
}

interface SerializedRequest {
	readonly protocol: string;
	readonly hostname: string;
	readonly port?: number | undefined;
	readonly path: string;
	readonly body: string | Uint8Array;
}

/** What the SDK would send, before it is signed: its middleware is run as far as that. */
async function serialize(
	client: KinesisVideoClient | DataClient,
	command: object,
): Promise<SerializedRequest> {
	let serialized: SerializedRequest | null = null;
	const stack = client.middlewareStack.clone() as {
		add(middleware: unknown, options: { step: 'build'; priority: 'low'; name: string }): void;
	};
	const stop = () => async (args: { request: SerializedRequest }) => {
		serialized = args.request;
		return { response: {}, output: { $metadata: {} } };
	};
	stack.add(stop, { step: 'build', priority: 'low', name: 'kvsArchivePresign' });
	const { input } = command as { input: object };
	const resolvable = command as {
		resolveMiddleware(stack: unknown, config: unknown, options: object): (args: object) => Promise<unknown>;
	};
	await resolvable.resolveMiddleware(stack, client.config, {})({ input });
	if (serialized === null) throw new Error('the SDK made no request');
	return serialized;
}

/** As SigV4 escapes: all but letters, digits, `-`, `.`, `_` and `~`. */
function escapeUri(text: string): string {
	return encodeURIComponent(text).replace(
		/[!'()*]/g,
		(character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
	);
}
