/** Octets to the API's listeners that are kept: one character is one octet. */
import type { Corpus } from "../target.ts";

/** Statuses of all answers; then the listener and what each client sends. */
export const HTTP: Corpus = [
  [
    "a request as it should be",
    "200",
    "tcp",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  ],
  ["the oldest version that is spoken", "200", "tcp", "GET /healthz HTTP/1.0\r\n\r\n"],
  ["nothing", "no answer", "tcp", ""],
  ["a request that does not end", "no answer", "tcp", "GET /status HTTP/1.1\r\nHo"],
  [
    "two requests at once",
    "200",
    "tcp",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n",
  ],
  [
    "a TLS client",
    "400",
    "tcp",
    "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n",
  ],
  ["an HTTP/2 client", "no answer", "tcp", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["another protocol altogether", "400", "tcp", "SSH-2.0-OpenSSH_9.2\r\n"],
  [
    "a length that is none",
    "400",
    "tcp",
    "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
  ],
  [
    "two lengths",
    "400",
    "tcp",
    "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
  ],
  [
    "a length and chunks",
    "401",
    "tcp",
    "POST /reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a length larger than all memory",
    "400",
    "tcp",
    "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
  ],
  [
    "a body that never comes",
    "401",
    "tcp",
    "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n",
  ],
  ["a NUL in a header's name", "400", "tcp", "GET /status HTTP/1.1\r\nHost: localhost\r\nX\u0000: y\r\n\r\n"],
  ["a header without a colon", "400", "tcp", "GET /status HTTP/1.1\r\nHost: localhost\r\nNo colon\r\n\r\n"],
  [
    "headers by the hundred",
    "431",
    "tcp",
    "GET /status HTTP/1.1\r\nHost: localhost\r\nX-0: y\r\nX-1: y\r\nX-2: y\r\nX-3: y\r\nX-4: y\r\nX-5: y\r\nX-6: y\r\nX-7: y\r\nX-8: y\r\nX-9: y\r\nX-10: y\r\nX-11: y\r\nX-12: y\r\nX-13: y\r\nX-14: y\r\nX-15: y\r\nX-16: y\r\nX-17: y\r\nX-18: y\r\nX-19: y\r\nX-20: y\r\nX-21: y\r\nX-22: y\r\nX-23: y\r\nX-24: y\r\nX-25: y\r\nX-26: y\r\nX-27: y\r\nX-28: y\r\nX-29: y\r\nX-30: y\r\nX-31: y\r\nX-32: y\r\nX-33: y\r\nX-34: y\r\nX-35: y\r\nX-36: y\r\nX-37: y\r\nX-38: y\r\nX-39: y\r\nX-40: y\r\nX-41: y\r\nX-42: y\r\nX-43: y\r\nX-44: y\r\nX-45: y\r\nX-46: y\r\nX-47: y\r\nX-48: y\r\nX-49: y\r\nX-50: y\r\nX-51: y\r\nX-52: y\r\nX-53: y\r\nX-54: y\r\nX-55: y\r\nX-56: y\r\nX-57: y\r\nX-58: y\r\nX-59: y\r\nX-60: y\r\nX-61: y\r\nX-62: y\r\nX-63: y\r\nX-64: y\r\nX-65: y\r\nX-66: y\r\nX-67: y\r\nX-68: y\r\nX-69: y\r\nX-70: y\r\nX-71: y\r\nX-72: y\r\nX-73: y\r\nX-74: y\r\nX-75: y\r\nX-76: y\r\nX-77: y\r\nX-78: y\r\nX-79: y\r\nX-80: y\r\nX-81: y\r\nX-82: y\r\nX-83: y\r\nX-84: y\r\nX-85: y\r\nX-86: y\r\nX-87: y\r\nX-88: y\r\nX-89: y\r\nX-90: y\r\nX-91: y\r\nX-92: y\r\nX-93: y\r\nX-94: y\r\nX-95: y\r\nX-96: y\r\nX-97: y\r\nX-98: y\r\nX-99: y\r\nX-100: y\r\nX-101: y\r\nX-102: y\r\nX-103: y\r\nX-104: y\r\nX-105: y\r\nX-106: y\r\nX-107: y\r\nX-108: y\r\nX-109: y\r\nX-110: y\r\nX-111: y\r\nX-112: y\r\nX-113: y\r\nX-114: y\r\nX-115: y\r\nX-116: y\r\nX-117: y\r\nX-118: y\r\nX-119: y\r\nX-120: y\r\nX-121: y\r\nX-122: y\r\nX-123: y\r\nX-124: y\r\nX-125: y\r\nX-126: y\r\nX-127: y\r\nX-128: y\r\nX-129: y\r\nX-130: y\r\nX-131: y\r\nX-132: y\r\nX-133: y\r\nX-134: y\r\nX-135: y\r\nX-136: y\r\nX-137: y\r\nX-138: y\r\nX-139: y\r\nX-140: y\r\nX-141: y\r\nX-142: y\r\nX-143: y\r\nX-144: y\r\nX-145: y\r\nX-146: y\r\nX-147: y\r\nX-148: y\r\nX-149: y\r\nX-150: y\r\nX-151: y\r\nX-152: y\r\nX-153: y\r\nX-154: y\r\nX-155: y\r\nX-156: y\r\nX-157: y\r\nX-158: y\r\nX-159: y\r\nX-160: y\r\nX-161: y\r\nX-162: y\r\nX-163: y\r\nX-164: y\r\nX-165: y\r\nX-166: y\r\nX-167: y\r\nX-168: y\r\nX-169: y\r\nX-170: y\r\nX-171: y\r\nX-172: y\r\nX-173: y\r\nX-174: y\r\nX-175: y\r\nX-176: y\r\nX-177: y\r\nX-178: y\r\nX-179: y\r\nX-180: y\r\nX-181: y\r\nX-182: y\r\nX-183: y\r\nX-184: y\r\nX-185: y\r\nX-186: y\r\nX-187: y\r\nX-188: y\r\nX-189: y\r\nX-190: y\r\nX-191: y\r\nX-192: y\r\nX-193: y\r\nX-194: y\r\nX-195: y\r\nX-196: y\r\nX-197: y\r\nX-198: y\r\nX-199: y\r\nX-200: y\r\nX-201: y\r\nX-202: y\r\nX-203: y\r\nX-204: y\r\nX-205: y\r\nX-206: y\r\nX-207: y\r\nX-208: y\r\nX-209: y\r\nX-210: y\r\nX-211: y\r\nX-212: y\r\nX-213: y\r\nX-214: y\r\nX-215: y\r\nX-216: y\r\nX-217: y\r\nX-218: y\r\nX-219: y\r\nX-220: y\r\nX-221: y\r\nX-222: y\r\nX-223: y\r\nX-224: y\r\nX-225: y\r\nX-226: y\r\nX-227: y\r\nX-228: y\r\nX-229: y\r\nX-230: y\r\nX-231: y\r\nX-232: y\r\nX-233: y\r\nX-234: y\r\nX-235: y\r\nX-236: y\r\nX-237: y\r\nX-238: y\r\nX-239: y\r\nX-240: y\r\nX-241: y\r\nX-242: y\r\nX-243: y\r\nX-244: y\r\nX-245: y\r\nX-246: y\r\nX-247: y\r\nX-248: y\r\nX-249: y\r\nX-250: y\r\nX-251: y\r\nX-252: y\r\nX-253: y\r\nX-254: y\r\nX-255: y\r\nX-256: y\r\nX-257: y\r\nX-258: y\r\nX-259: y\r\nX-260: y\r\nX-261: y\r\nX-262: y\r\nX-263: y\r\nX-264: y\r\nX-265: y\r\nX-266: y\r\nX-267: y\r\nX-268: y\r\nX-269: y\r\nX-270: y\r\nX-271: y\r\nX-272: y\r\nX-273: y\r\nX-274: y\r\nX-275: y\r\nX-276: y\r\nX-277: y\r\nX-278: y\r\nX-279: y\r\nX-280: y\r\nX-281: y\r\nX-282: y\r\nX-283: y\r\nX-284: y\r\nX-285: y\r\nX-286: y\r\nX-287: y\r\nX-288: y\r\nX-289: y\r\nX-290: y\r\nX-291: y\r\nX-292: y\r\nX-293: y\r\nX-294: y\r\nX-295: y\r\nX-296: y\r\nX-297: y\r\nX-298: y\r\nX-299: y\r\nX-300: y\r\nX-301: y\r\nX-302: y\r\nX-303: y\r\nX-304: y\r\nX-305: y\r\nX-306: y\r\nX-307: y\r\nX-308: y\r\nX-309: y\r\nX-310: y\r\nX-311: y\r\nX-312: y\r\nX-313: y\r\nX-314: y\r\nX-315: y\r\nX-316: y\r\nX-317: y\r\nX-318: y\r\nX-319: y\r\nX-320: y\r\nX-321: y\r\nX-322: y\r\nX-323: y\r\nX-324: y\r\nX-325: y\r\nX-326: y\r\nX-327: y\r\nX-328: y\r\nX-329: y\r\nX-330: y\r\nX-331: y\r\nX-332: y\r\nX-333: y\r\nX-334: y\r\nX-335: y\r\nX-336: y\r\nX-337: y\r\nX-338: y\r\nX-339: y\r\nX-340: y\r\nX-341: y\r\nX-342: y\r\nX-343: y\r\nX-344: y\r\nX-345: y\r\nX-346: y\r\nX-347: y\r\nX-348: y\r\nX-349: y\r\nX-350: y\r\nX-351: y\r\nX-352: y\r\nX-353: y\r\nX-354: y\r\nX-355: y\r\nX-356: y\r\nX-357: y\r\nX-358: y\r\nX-359: y\r\nX-360: y\r\nX-361: y\r\nX-362: y\r\nX-363: y\r\nX-364: y\r\nX-365: y\r\nX-366: y\r\nX-367: y\r\nX-368: y\r\nX-369: y\r\nX-370: y\r\nX-371: y\r\nX-372: y\r\nX-373: y\r\nX-374: y\r\nX-375: y\r\nX-376: y\r\nX-377: y\r\nX-378: y\r\nX-379: y\r\nX-380: y\r\nX-381: y\r\nX-382: y\r\nX-383: y\r\nX-384: y\r\nX-385: y\r\nX-386: y\r\nX-387: y\r\nX-388: y\r\nX-389: y\r\nX-390: y\r\nX-391: y\r\nX-392: y\r\nX-393: y\r\nX-394: y\r\nX-395: y\r\nX-396: y\r\nX-397: y\r\nX-398: y\r\nX-399: y\r\nX-400: y\r\nX-401: y\r\nX-402: y\r\nX-403: y\r\nX-404: y\r\nX-405: y\r\nX-406: y\r\nX-407: y\r\nX-408: y\r\nX-409: y\r\nX-410: y\r\nX-411: y\r\nX-412: y\r\nX-413: y\r\nX-414: y\r\nX-415: y\r\nX-416: y\r\nX-417: y\r\nX-418: y\r\nX-419: y\r\nX-420: y\r\nX-421: y\r\nX-422: y\r\nX-423: y\r\nX-424: y\r\nX-425: y\r\nX-426: y\r\nX-427: y\r\nX-428: y\r\nX-429: y\r\nX-430: y\r\nX-431: y\r\nX-432: y\r\nX-433: y\r\nX-434: y\r\nX-435: y\r\nX-436: y\r\nX-437: y\r\nX-438: y\r\nX-439: y\r\nX-440: y\r\nX-441: y\r\nX-442: y\r\nX-443: y\r\nX-444: y\r\nX-445: y\r\nX-446: y\r\nX-447: y\r\nX-448: y\r\nX-449: y\r\nX-450: y\r\nX-451: y\r\nX-452: y\r\nX-453: y\r\nX-454: y\r\nX-455: y\r\nX-456: y\r\nX-457: y\r\nX-458: y\r\nX-459: y\r\nX-460: y\r\nX-461: y\r\nX-462: y\r\nX-463: y\r\nX-464: y\r\nX-465: y\r\nX-466: y\r\nX-467: y\r\nX-468: y\r\nX-469: y\r\nX-470: y\r\nX-471: y\r\nX-472: y\r\nX-473: y\r\nX-474: y\r\nX-475: y\r\nX-476: y\r\nX-477: y\r\nX-478: y\r\nX-479: y\r\nX-480: y\r\nX-481: y\r\nX-482: y\r\nX-483: y\r\nX-484: y\r\nX-485: y\r\nX-486: y\r\nX-487: y\r\nX-488: y\r\nX-489: y\r\nX-490: y\r\nX-491: y\r\nX-492: y\r\nX-493: y\r\nX-494: y\r\nX-495: y\r\nX-496: y\r\nX-497: y\r\nX-498: y\r\nX-499: y\r\n\r\n",
  ],
  ["a foreign host in the request line", "421", "tcp", "GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n"],
  ["an octet that no path may have", "400", "tcp", "GET /\u00ff\u0000 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  [
    "a reload without the token",
    "401",
    "tcp",
    "POST /reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  ],
  [
    "a reload over the unix socket",
    "200",
    "unix",
    "POST /reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  ],
  ["an event client that hangs up", "200", "unix", "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  [
    "more event clients than there are places, and all hang up",
    "200 503",
    "tcp",
    ...new Array<string>(70).fill("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  ],
];
