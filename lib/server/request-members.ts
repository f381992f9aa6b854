import type { IncomingMessage } from 'node:http';
import { parseJsonBody, readBody } from './request-body.js';
import { membersOfQuery } from './signature/query-members.js';
import { isPresigned, parseTarget } from './signature/request-target.js';
import type { SignatureVerifier } from './signature/signature-verifier.js';

/**
 * The members of a request for an operation: its JSON body, and the query of a presigned one. The signature is verified
 * before any of it is parsed; null takes everything. Throws `ServiceError`.
 */
export async function readMembers(
	request: IncomingMessage,
	verifier: SignatureVerifier | null,
): Promise<object> {
	const { method = '', url = '', headers } = request;
	const target = parseTarget(url);
	const body = await readBody(request);
	await verifier?.verify({ method, target, headers, body });
	return { ...(isPresigned(target) && membersOfQuery(target)), ...parseJsonBody(body) };
}
