/** The three names of a place as one text, which is how tables and records keep them. */

export interface PlaceNames {
  readonly group: string;
  readonly binding: string;
  readonly domain: string;
}

export const placeText = ({ group, binding, domain }: PlaceNames): string => `${group}\n${binding}\n${domain}`;

export function readPlace(text: string): PlaceNames {
  const [group = '', binding = '', domain = ''] = text.split('\n');
  return { group, binding, domain };
}
