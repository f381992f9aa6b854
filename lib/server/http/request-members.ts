import type { IncomingMessage } from 'node:http';
import type { SignatureVerifier } from '../signature/signature-verifier.js';
import { membersOfQuery } from './query-members.js';
import { parseJsonBody, readBody } from './request-body.js';
import { isPresigned, parseTarget } from './request-target.js';

/**
 * The members of a request for an operation: its JSON body, and the query of a presigned one. With a verifier nothing is
 * read for somebody unknown, and nothing parsed that is not rightly signed. Throws `ServiceError`.
 */
export async function readMembers(
	request: IncomingMessage,
	verifier: SignatureVerifier | null,
): Promise<object> {
	const { method = '', url = '', headers } = request;
	const target = parseTarget(url);
	const claim = verifier?.admit(target, headers);
	const body = await readBody(request);
	if (claim !== undefined) await verifier?.verify(claim, { method, target, headers, body });
	return { ...(isPresigned(target) && membersOfQuery(target)), ...parseJsonBody(body) };
}
