import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { isPresigned, type RequestTarget } from '../wire/request-target.js';
import { type AccessKey, checkAccessKeys } from './access-key.js';
import { NodeSha256 } from './node-sha256.js';
import { readSignatureClaim, type SignatureClaim } from './signature-claim.js';
import { invalidSignature, unrecognizedClient } from './signature-error.js';

/** The service's name in the scope of a signature (endpointPrefix of its model); all of its APIs share it. */
const SERVICE = 'kinesisvideo';

/** How far a client's clock may be off, in minutes. */
const MAX_SKEW_MINUTES = 5;

/** The header, or parameter of a presigned query, in which a client says what it signed as the hash of its body. */
const BODY_HASH = 'x-amz-content-sha256';

const MISMATCH =
	'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/** A request, as its signature covers it. */
export interface SignedRequest {
	readonly method: string;
	readonly target: RequestTarget;
	readonly headers: IncomingHttpHeaders;
	/** As it came, undecoded; null where it is read as it comes, and its signature covers what is said of it alone. */
	readonly body: Uint8Array | null;
}

/** What a {@link SignatureVerifier} needs. */
export interface SignatureVerifierOptions {
	readonly keys: readonly AccessKey[];
	readonly region: string;
	/** Epoch milliseconds. */
	readonly now: () => number;
}

/**
 * Verifies that a request was signed, in its headers or its query, with one of the keys, for this region
 * and service and recently (AWS Signature Version 4). Signs it again and compares in constant time.
 */
export class SignatureVerifier {
	readonly #keys: ReadonlyMap<string, AccessKey>;
	readonly #region: string;
	readonly #now: () => number;

	/** Throws `InvalidOptionError` for invalid keys. */
	constructor({ keys, region, now }: SignatureVerifierOptions) {
		this.#keys = checkAccessKeys(keys);
		this.#region = region;
		this.#now = now;
	}

	/**
	 * The claim of a request whose key is known, and whose region, service and time are right. To be called before the body is
	 * read; throws the service's error.
	 */
	admit(target: RequestTarget, headers: IncomingHttpHeaders): SignatureClaim {
		const claim = readSignatureClaim(target, headers);
		const key = this.#keys.get(claim.accessKeyId);
		if (key === undefined || !hasToken(claim, key)) throw unrecognizedClient();
		if (claim.region !== this.#region) {
			throw invalidSignature('Credential should be scoped to a valid region.');
		}
		if (claim.service !== SERVICE) {
			throw invalidSignature(`Credential should be scoped to correct service: '${SERVICE}'.`);
		}
		this.#checkTime(claim);
		return claim;
	}

	/** Resolves where the request is signed as its claim says; rejects with the service's error where not. */
	async verify(claim: SignatureClaim, request: SignedRequest): Promise<void> {
		const { headers, body } = request;
		const bodyHash = headers[BODY_HASH];
		const isSigned = bodyHash !== undefined && claim.signedHeaders.includes(BODY_HASH);
		if (isSigned && body !== null && bodyHash !== createHash('sha256').update(body).digest('hex')) {
			throw invalidSignature(MISMATCH);
		}
		const key = this.#keys.get(claim.accessKeyId) as AccessKey;
		const signature = await this.#sign(request, claim, key);
		if (!isEqual(signature, claim.signature)) throw invalidSignature(MISMATCH);
	}

	#checkTime({ date, timeMs, expiresSeconds }: SignatureClaim): void {
		const nowMs = this.#now();
		const skewMs = MAX_SKEW_MINUTES * 60_000;
		const lifeMs = expiresSeconds === null ? skewMs : expiresSeconds * 1000;
		const life = expiresSeconds === null ? `${MAX_SKEW_MINUTES} min.` : `${expiresSeconds} s`;
		const now = dateOf(nowMs);
		if (nowMs - timeMs > lifeMs) {
			throw invalidSignature(
				`Signature expired: ${date} is now earlier than ${dateOf(nowMs - lifeMs)} (${now} - ${life})`,
			);
		}
		if (timeMs - nowMs > skewMs) {
			throw invalidSignature(
				`Signature not yet current: ${date} is still later than ${dateOf(nowMs + skewMs)} (${now} + ${MAX_SKEW_MINUTES} min.)`,
			);
		}
	}

	async #sign(request: SignedRequest, claim: SignatureClaim, key: AccessKey): Promise<string> {
		const { accessKeyId, secretAccessKey } = key;
		const signer = new SignatureV4({
			service: SERVICE,
			region: this.#region,
			// The token is already among the headers or in the query.
			credentials: { accessKeyId, secretAccessKey },
			sha256: NodeSha256,
			applyChecksum: false,
		});
		const unsigned = unsignedRequest(request, claim);
		const options = {
			signingDate: new Date(claim.timeMs),
			signableHeaders: new Set(claim.signedHeaders),
			// It says what was signed of the body, whether or not it is signed itself.
			unsignableHeaders: new Set([BODY_HASH]),
		};
		if (claim.expiresSeconds === null) {
			const { headers } = await signer.sign(unsigned, options);
			return /Signature=([0-9a-f]+)$/.exec(headers['authorization'] ?? '')?.[1] ?? '';
		}
		// What a presigned request has in its headers was signed there, and is not to be moved into the query.
		const { query } = await signer.presign(unsigned, {
			...options,
			expiresIn: claim.expiresSeconds,
			unhoistableHeaders: new Set([...claim.signedHeaders, BODY_HASH]),
		});
		return String(query?.['X-Amz-Signature']);
	}
}

/** The request without its signature, and with those headers alone that it covers. */
function unsignedRequest(
	{ method, target, headers, body }: SignedRequest,
	{ signedHeaders }: SignatureClaim,
): HttpRequest {
	const covered: Record<string, string> = {};
	for (const name of signedHeaders) {
		const value = headers[name];
		if (value !== undefined) covered[name] = String(value);
		// Programs that open links send no Content-Type; this protocol has only one.
		else if (name === 'content-type' && isPresigned(target)) covered[name] = 'application/json';
	}
	const query: Record<string, string | string[]> = {};
	if (body === null && headers[BODY_HASH] !== undefined) covered[BODY_HASH] = String(headers[BODY_HASH]);
	for (const [name, value] of target.query) {
		if (name === 'X-Amz-Signature') continue;
		if (body === null && name.toLowerCase() === BODY_HASH) covered[BODY_HASH] ??= value;
		const before = query[name];
		query[name] = before === undefined ? value : [before, value].flat();
	}
	return new HttpRequest({ method, path: target.path, query, headers: covered, body: body ?? undefined });
}

function hasToken({ sessionToken }: SignatureClaim, key: AccessKey): boolean {
	if (key.sessionToken === undefined) return true;
	return sessionToken !== undefined && isEqual(sessionToken, key.sessionToken);
}

/** Whether two texts are equal, compared in constant time. */
function isEqual(a: string, b: string): boolean {
	const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
	return timingSafeEqual(left as Buffer, right as Buffer);
}

function dateOf(timeMs: number): string {
	return new Date(timeMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
