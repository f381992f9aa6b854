import type { IncomingHttpHeaders } from 'node:http';
import { isPresigned, type RequestTarget } from '../wire/request-target.js';
import { incompleteSignature, invalidSignature, missingAuthenticationToken } from './signature-error.js';

/** The only supported algorithm: Signature Version 4 with a secret key. */
const ALGORITHM = 'AWS4-HMAC-SHA256';
const TERMINATOR = 'aws4_request';

/** The longest validity of a presigned request, in seconds: a week, as with AWS. */
const MAX_EXPIRES_SECONDS = 604_800;

/** What a request claims about its signature; none of it is verified. */
export interface SignatureClaim {
	readonly accessKeyId: string;
	readonly region: string;
	readonly service: string;
	/** When it was signed, `20260131T140307Z`, and the same in epoch milliseconds. */
	readonly date: string;
	readonly timeMs: number;
	/** How long it is valid, in seconds; null for a signature in the headers. */
	readonly expiresSeconds: number | null;
	/** Names of the headers that are signed, lower case. */
	readonly signedHeaders: readonly string[];
	/** 64 hexadecimal digits. */
	readonly signature: string;
	readonly sessionToken: string | undefined;
}

/**
 * Reads a request's claim, from the query where there is one, else from the headers (AWS Signature Version 4). Throws
 * the service's errors for a request without one and for one that cannot be read.
 */
export function readSignatureClaim(target: RequestTarget, headers: IncomingHttpHeaders): SignatureClaim {
	return isPresigned(target) ? fromQuery(target) : fromHeaders(headers);
}

function fromHeaders(headers: IncomingHttpHeaders): SignatureClaim {
	const { authorization } = headers;
	if (authorization === undefined || authorization === '') throw missingAuthenticationToken();
	const [, algorithm = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(authorization) ?? [];
	checkAlgorithm(algorithm);
	const parts = new Map(
		rest.split(',').map((part) => {
			const [, name = '', value = ''] = /^\s*([A-Za-z]+)=(\S*)\s*$/.exec(part) ?? [];
			return [name, value] as const;
		}),
	);
	const date = headers['x-amz-date'];
	const lacking = ['Credential', 'Signature', 'SignedHeaders']
		.filter((name) => !parts.get(name))
		.map((name) => `Authorization header requires '${name}' parameter.`);
	if (date === undefined) lacking.push("Authorization header requires existence of a 'X-Amz-Date' header.");
	if (lacking.length > 0) throw incompleteSignature(lacking.join(' '));
	return toClaim({
		credential: parts.get('Credential') as string,
		signature: parts.get('Signature') as string,
		signedHeaders: parts.get('SignedHeaders') as string,
		date: String(date),
		expiresSeconds: null,
		sessionToken: headers['x-amz-security-token'],
	});
}

function fromQuery({ query }: RequestTarget): SignatureClaim {
	const fields = new Map(query);
	checkAlgorithm(fields.get('X-Amz-Algorithm') ?? '');
	const [credential = '', signature = '', signedHeaders = '', date = '', expires = ''] = [
		'X-Amz-Credential',
		'X-Amz-Signature',
		'X-Amz-SignedHeaders',
		'X-Amz-Date',
		'X-Amz-Expires',
	].map((name) => {
		const value = fields.get(name);
		if (value) return value;
		throw incompleteSignature(
			`AWS query-string parameters must include '${name}'. Re-examine the query-string parameters.`,
		);
	});
	const expiresSeconds = /^\d{1,6}$/.test(expires) ? Number(expires) : 0;
	if (expiresSeconds < 1 || expiresSeconds > MAX_EXPIRES_SECONDS) {
		throw incompleteSignature(`X-Amz-Expires must be from 1 to ${MAX_EXPIRES_SECONDS} seconds`);
	}
	const sessionToken = fields.get('X-Amz-Security-Token');
	return toClaim({ credential, signature, signedHeaders, date, expiresSeconds, sessionToken });
}

function checkAlgorithm(algorithm: string): void {
	if (algorithm === ALGORITHM) return;
	throw incompleteSignature(`Unsupported AWS 'algorithm': only ${ALGORITHM} is supported`);
}

function toClaim({
	credential,
	signedHeaders,
	...fields
}: {
	credential: string;
	signature: string;
	signedHeaders: string;
	date: string;
	expiresSeconds: number | null;
	sessionToken: string | string[] | undefined;
}): SignatureClaim {
	const scope = credential.split('/');
	const [accessKeyId = '', day, region = '', service = '', terminator] = scope;
	if (scope.length !== 5) {
		throw incompleteSignature(
			'Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term',
		);
	}
	const { date, signature } = fields;
	const timeMs = /^\d{8}T\d{6}Z$/.test(date) ? Date.parse(isoOf(date)) : Number.NaN;
	if (Number.isNaN(timeMs)) {
		throw incompleteSignature('Date must be in ISO-8601 basic format, e.g. 20260131T140307Z');
	}
	if (terminator !== TERMINATOR) {
		throw invalidSignature(`Credential should be scoped with a valid terminator: '${TERMINATOR}'.`);
	}
	if (day !== date.slice(0, 8)) {
		throw invalidSignature(
			'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.',
		);
	}
	if (!/^[0-9a-f]{64}$/.test(signature)) {
		throw incompleteSignature('Signature must be 64 lower-case hexadecimal digits');
	}
	const names = signedHeaders.split(';');
	// A signature that covers no host could be taken to another server that has the same key.
	if (!names.includes('host')) {
		throw invalidSignature("'Host' must be a 'SignedHeader' in the AWS Authorization.");
	}
	const sessionToken = fields.sessionToken === undefined ? undefined : String(fields.sessionToken);
	return { ...fields, sessionToken, accessKeyId, region, service, timeMs, signedHeaders: names };
}

function isoOf(date: string): string {
	return date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
}
