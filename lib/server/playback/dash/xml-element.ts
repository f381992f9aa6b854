/** Values of attributes; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** An XML element on lines of its own, its children indented by a space. */
export function xmlElement(name: string, attributes: Attributes, children: readonly string[] = []): string {
	const pairs = Object.entries(attributes)
		.filter(([, value]) => value !== undefined)
		.map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`);
	const head = `<${name}${pairs.join('')}`;
	if (children.length === 0) return `${head}/>`;
	const lines = children.join('\n').replaceAll(/^/gm, ' ');
	return `${head}>\n${lines}\n</${name}>`;
}

function escapeXml(text: string): string {
	return text.replaceAll(/[&<>"]/g, (character) => escapes[character] as string);
}
