import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { NodeSha256 } from '#lib/server/signature/node-sha256.js';
import type { SignatureFault } from './probe.js';

/** As whom requests are signed. */
export interface Signer {
	readonly region: string;
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	readonly sessionToken?: string | undefined;
}

/** A request as it is sent. */
export interface RawRequest {
	readonly url: URL;
	readonly method: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Uint8Array;
	/** Null where it is not signed. */
	readonly signer: Signer | null;
	readonly signature?: SignatureFault | undefined;
	/** Whether the body is sent without its length and not signed, as producers send media. */
	readonly isMedia: boolean;
	/** Chunks after which reading stops. */
	readonly chunks?: number | undefined;
}

/** A response as it came. */
export interface RawResponse {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Buffer;
	/** False where it broke off, or was longer than is read. */
	readonly isComplete: boolean;
}

/** The most of a body that is read. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** A request that has no response by then fails: a limit for what hangs, in milliseconds. */
const TIMEOUT_MS = 120_000;

/** Clocks of clients may be off by 5 minutes. */
const OLD_DATE_MS = 20 * 60_000;

const EBML_ID = Buffer.of(0x1a, 0x45, 0xdf, 0xa3);

/** Signs a request and sends it, whatever it says: the SDKs refuse malformed ones themselves. */
export async function sendSigned(request: RawRequest): Promise<RawResponse> {
	const headers = await signedHeaders(request);
	const { url, method, body, isMedia, chunks } = request;
	const send = url.protocol === 'https:' ? requestHttps : requestHttp;
	const framing: Record<string, string | number> = isMedia
		? { 'transfer-encoding': 'chunked' }
		: { 'content-length': body.byteLength };
	const hasBody = method !== 'GET' && method !== 'HEAD';
	return new Promise((resolve, reject) => {
		const sent = send(url, {
			method,
			headers: { ...headers, ...(hasBody && framing) },
			signal: AbortSignal.timeout(TIMEOUT_MS),
		});
		sent.once('error', reject);
		sent.once('response', (response) => {
			readResponse(response, chunks).then(resolve, reject);
		});
		sent.end(hasBody ? body : undefined);
	});
}

async function readResponse(
	response: IncomingMessage,
	chunks = Number.POSITIVE_INFINITY,
): Promise<RawResponse> {
	const parts: Buffer[] = [];
	let isComplete = true;
	let sizeBytes = 0;
	let begun = 0;
	try {
		for await (const part of response as AsyncIterable<Buffer>) {
			parts.push(part);
			sizeBytes += part.byteLength;
			begun += countOf(part, EBML_ID);
			if (sizeBytes > MAX_BODY_BYTES || begun > chunks) {
				isComplete = false;
				break;
			}
		}
	} catch {
		// What came before it broke off is the response; the record says that it did.
		isComplete = false;
	}
	const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
	return {
		status: response.statusCode ?? 0,
		headers: Object.fromEntries(headers),
		body: Buffer.concat(parts),
		isComplete,
	};
}

async function signedHeaders({
	url,
	method,
	headers,
	body,
	signer,
	signature,
	isMedia,
}: RawRequest): Promise<Readonly<Record<string, string>>> {
	const all = { host: url.host, ...headers };
	if (signer === null || signature === 'none') return all;
	const { accessKeyId, secretAccessKey, sessionToken, region } = signer;
	const isWrongSecret = signature === 'wrong-secret';
	const v4 = new SignatureV4({
		service: 'kinesisvideo',
		region: signature === 'other-region' ? otherRegion(region) : region,
		credentials: {
			// As long as a real one, and made up.
			accessKeyId: signature === 'unknown-key' ? 'AKIAIOSFODNN7EXAMPLE' : accessKeyId,
			secretAccessKey: isWrongSecret ? `${secretAccessKey.slice(1)}x` : secretAccessKey,
			...(sessionToken !== undefined && signature !== 'unknown-key' && { sessionToken }),
		},
		sha256: NodeSha256,
		applyChecksum: false,
	});
	const signed = await v4.sign(
		new HttpRequest({
			method,
			path: url.pathname,
			query: Object.fromEntries(url.searchParams),
			headers: all,
			// What producers sign in place of media.
			body: isMedia ? '' : body,
		}),
		signature === 'old-date' ? { signingDate: new Date(Date.now() - OLD_DATE_MS) } : {},
	);
	return signed.headers;
}

function otherRegion(region: string): string {
	return region === 'eu-west-1' ? 'us-east-1' : 'eu-west-1';
}

function countOf(bytes: Buffer, wanted: Buffer): number {
	let count = 0;
	for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + wanted.byteLength)) count++;
	return count;
}
