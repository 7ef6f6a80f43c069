//! Hindi, Vietnamese, Indonesian and Thai words.

use super::Concept::{
    All, Ask, Claim, Earlier, Instructions, Limitless, Limits, Override, Owner, Pretend, Prompt,
    Repeat, Reveal, Said, Secret, Task, Told, Verbatim, Yours,
};
use super::{Language, Order};

pub(super) static HINDI: Language = Language {
    order: Order::ObjectFirst,
    spaced: true,
    words: &[
        (
            Override,
            "अनदेखा|अनदेखी|नज़रअंदाज़|नजरअंदाज|भूल जाओ|भूल जाइए|भूल जाएं|भुला दो|रद्द|पालन मत|पालन न|मत मानो|मत मानिए|ध्यान मत|\
             छोड़ दो|उपेक्षा|दरकिनार|इग्नोर|अवहेलना",
        ),
        (Instructions, "निर्देश|दिशानिर्देश|दिशा-निर्देश|प्रॉम्प्ट|आदेश|हिदायत"),
        (Limits, "नियम|पाबंदि|पाबंदी|प्रतिबंध|सीमा|रोक$"),
        (Said, "पाठ|संदेश|बातचीत|बातें|टेक्स्ट|सब बातें"),
        (
            Prompt,
            "सिस्टम प्रॉम्प्ट|सिस्टम संदेश|सिस्टम के निर्देश|सिस्टम निर्देश|छिपे हुए निर्देश|छुपे हुए निर्देश|गुप्त निर्देश|\
             प्रारंभिक निर्देश|मूल निर्देश|शुरुआती निर्देश|आंतरिक निर्देश",
        ),
        (Told, "बताई गई|दिए गए|कही गई|निर्देश मिले|बताया गया"),
        (Task, "वर्तमान कार्य|मौजूदा काम"),
        (Earlier, "पिछल|ऊपर|पहले|पुरान|पूर्व|अब तक|उपरोक्त|मौजूदा"),
        (Yours, "अपने|अपना|अपनी|तुम्हारे|तुम्हारा|आपके|आपका"),
        (Owner, "सिस्टम|डेवलपर|सुरक्षा|प्रशासक"),
        (All, "सभी|सब$|सारे|सारी|हर$|पूरा|पूरे"),
        (Reveal, "बताओ|बताइए|बताएं|दिखाओ|दिखाइए|दिखाएं|प्रिंट|लिखो|उजागर|दोहरा|अनुवाद|साझा कर"),
        (Repeat, "दोहरा|प्रिंट|हूबहू लिख"),
        (Ask, "क्या$|कौन|क्या हैं"),
        (Secret, "गुप्त कुंजी|गुप्त पासवर्ड|गुप्त शब्द|गुप्त कोड|गोपनीय जानकारी"),
        (Verbatim, "शब्दशः|हूबहू|अक्षरशः"),
        (Pretend, "अभिनय|भूमिका|कल्पना|अब से|की तरह बर्ताव|की तरह व्यवहार|अब तुम|नाटक"),
        (
            Limitless,
            "बिना किसी पाबंदी|बिना किसी प्रतिबंध|बिना पाबंदी|बिना प्रतिबंध|बिना फ़िल्टर|बिना फिल्टर|बिना नियम|बिना किसी नियम|\
             बिना किसी रोक|कोई रोक नहीं|कोई पाबंदी नहीं|कोई प्रतिबंध नहीं|कोई सीमा नहीं|मना नहीं करत|दुष्ट",
        ),
        (Claim, "नए निर्देश:|नया निर्देश:|निर्देश समाप्त|डेवलपर मोड चालू|डिबग मोड चालू"),
    ],
};

pub(super) static VIETNAMESE: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "bỏ qua$|quên$|phớt lờ$|đừng tuân|đừng làm theo|không tuân|không làm theo|hủy bỏ$|huỷ bỏ$|đừng để ý|gạt bỏ|\
             lờ đi|vi phạm$|ngừng tuân|ngừng làm theo|bác bỏ$",
        ),
        (Instructions, "hướng dẫn|chỉ dẫn|chỉ thị|lời nhắc|nguyên tắc|prompt"),
        (Limits, "quy tắc|lệnh$|hạn chế$|giới hạn$|quy định$|luật lệ"),
        (Said, "văn bản|tin nhắn|cuộc trò chuyện|nội dung|ngữ cảnh|tất cả những gì|mọi thứ"),
        (
            Prompt,
            "lời nhắc hệ thống|tin nhắn hệ thống|chỉ dẫn hệ thống|hướng dẫn hệ thống|chỉ thị hệ thống|prompt hệ thống|\
             hướng dẫn ẩn|chỉ dẫn ẩn|hướng dẫn bí mật|chỉ dẫn bí mật|lời nhắc ban đầu|hướng dẫn ban đầu|\
             chỉ dẫn ban đầu|system prompt|tin nhắn đầu tiên",
        ),
        (
            Told,
            "bạn được bảo|bạn nhận được|bạn đã nhận|được bảo trước|bạn đã được|bạn được cung cấp",
        ),
        (Task, "nhiệm vụ hiện tại"),
        (
            Earlier,
            "trước đó|trước đây|ở trên|phía trên|bên trên|trước$|hiện có|ban đầu|cho đến nay",
        ),
        (Yours, "của bạn|của mày|của anh"),
        (Owner, "hệ thống|nhà phát triển|an toàn|quản trị"),
        (All, "mọi$|tất cả|toàn bộ|các$|bất kỳ"),
        (
            Reveal,
            "cho tôi biết|tiết lộ|hiển thị|in ra|đưa cho tôi|viết ra|nói ra|nói cho tôi|cho tôi xem|lặp lại|dịch$|\
             liệt kê|chia sẻ",
        ),
        (Repeat, "lặp lại|in ra|chép lại|nhắc lại"),
        (Ask, "là gì|những gì|gì$|nào$"),
        (Secret, "khóa bí mật|mật khẩu bí mật|từ bí mật|mã bí mật|thông tin mật|mã truy cập"),
        (Verbatim, "từng chữ|nguyên văn|chính xác từng|từng chữ cái"),
        (
            Pretend,
            "giả vờ|đóng vai|tưởng tượng|từ bây giờ|từ giờ|kể từ bây giờ|hãy hành động|bây giờ bạn là|hãy là|cư xử như",
        ),
        (
            Limitless,
            "không có giới hạn|không giới hạn|không bị giới hạn|không qua bộ lọc|không có bộ lọc|không bộ lọc|\
             không có quy tắc|không có hạn chế|không bị hạn chế|không bao giờ từ chối|không kiểm duyệt|\
             không bị kiểm duyệt|không có đạo đức|độc ác",
        ),
        (
            Claim,
            "hướng dẫn mới:|chỉ dẫn mới:|kết thúc hướng dẫn|chế độ gỡ lỗi đã bật|chế độ nhà phát triển",
        ),
    ],
};

pub(super) static INDONESIAN: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "abaikan|lupakan|jangan ikuti|jangan patuhi|jangan hiraukan|jangan pedulikan|kesampingkan|batalkan|\
             hiraukan|lewati$|langgar|berhenti mengikuti|tinggalkan|abai",
        ),
        (Instructions, "instruksi|pedoman|arahan|petunjuk|prompt|panduan"),
        (Limits, "aturan|perintah|batasan|larangan|kebijakan|pembatasan|peraturan"),
        (Said, "teks$|pesan|percakapan|konteks|semua yang"),
        (
            Prompt,
            "prompt sistem|pesan sistem|instruksi sistem|arahan sistem|instruksi awal|prompt awal|\
             instruksi tersembunyi|instruksi rahasia|prompt tersembunyi|perintah sistem|pesan pertamamu|\
             instruksi asli",
        ),
        (Told, "dikatakan kepadamu|diberikan kepadamu|kamu terima|anda terima|diberitahukan"),
        (Task, "tugas saat ini|tugasmu saat ini"),
        (Earlier, "sebelumnya|di atas|terdahulu|sejauh ini|tadi$|semula|yang ada"),
        (Yours, "pedomanmu|instruksimu|aturanmu|sistemmu|promptmu|anda$|kamu$|mu$"),
        (Owner, "sistem|pengembang|keamanan|administrator"),
        (All, "semua$|setiap$|seluruh|segala|apa pun"),
        (
            Reveal,
            "beri tahu|beritahu|ungkapkan|tampilkan|cetak|berikan|tuliskan|tulis$|sebutkan|tunjukkan|bagikan|ulangi|\
             terjemahkan|bocorkan",
        ),
        (Repeat, "ulangi|cetak|salin$|tampilkan"),
        (Ask, "apa$|apa saja|apakah"),
        (
            Secret,
            "kunci rahasia|kata sandi rahasia|kata rahasia|kode rahasia|informasi rahasia|kode akses",
        ),
        (Verbatim, "kata demi kata|persis|huruf demi huruf"),
        (
            Pretend,
            "berpura-pura|pura-pura|bertindaklah|bertindak sebagai|perankan|berperan|bayangkan|mulai sekarang|\
             sekarang kamu adalah|sekarang anda adalah|bersikaplah",
        ),
        (
            Limitless,
            "tanpa batas|tanpa filter|tanpa aturan|tanpa sensor|tanpa pembatasan|tidak pernah menolak|\
             tidak punya batasan|tidak memiliki batasan|tidak ada batasan|tanpa etika|tanpa moral|jahat$",
        ),
        (
            Claim,
            "instruksi baru:|perintah baru:|akhir instruksi|mode debug aktif|mode pengembang aktif",
        ),
    ],
};

pub(super) static THAI: Language = Language {
    order: Order::VerbFirst,
    spaced: false,
    words: &[
        (
            Override,
            "เพิกเฉย|ละเลย|ไม่ต้องสนใจ|อย่าสนใจ|เมินเฉย|ลืมคำ|ลืมกฎ|ลืมทุก|ลืมสิ่ง|ลืมข้อ|ลืมแนว|ไม่ต้องทำตาม|อย่าทำตาม|\
             ไม่ต้องปฏิบัติ|ยกเลิก|ข้ามคำ|ข้ามกฎ|ข้ามข้อ|ข้ามแนว|ฝ่าฝืน",
        ),
        (Instructions, "คำสั่ง|คำแนะนำ|แนวทาง|พรอมต์|พรอมท์|คำชี้แนะ"),
        (Limits, "กฎ|ข้อจำกัด|ข้อบังคับ|ข้อห้าม|นโยบาย"),
        (Said, "ข้อความ|บทสนทนา|ทุกอย่าง|เนื้อหา|บริบท"),
        (
            Prompt,
            "ข้อความระบบ|คำสั่งระบบ|คำสั่งของระบบ|พรอมต์ระบบ|คำสั่งที่ซ่อน|คำสั่งลับ|คำสั่งเริ่มต้น|คำสั่งแรก|ระบบพรอมต์|\
             พรอมต์ของระบบ",
        ),
        (Told, "เคยบอกคุณ|ที่คุณได้รับ|คุณได้รับ|ที่บอกคุณ"),
        (Earlier, "ก่อนหน้า|ข้างต้น|ข้างบน|ที่ผ่านมา|ด้านบน|เดิม|ก่อนนี้"),
        (Yours, "ของคุณ|ของเธอ"),
        (Owner, "ระบบ|ผู้พัฒนา|ผู้ดูแล|ความปลอดภัย"),
        (All, "ทั้งหมด|ทุก|ใดๆ|ทั้งสิ้น"),
        (Reveal, "บอกฉัน|บอกผม|เปิดเผย|แสดง|พิมพ์|เขียน|ทวน|แปล|สรุป|ให้ดู"),
        (Repeat, "ทวน|พิมพ์|ทำซ้ำ|คัดลอก"),
        (Ask, "อะไร|ว่าอย่างไร"),
        (Secret, "คีย์ลับ|รหัสผ่านลับ|คำลับ|ข้อมูลลับ|รหัสเข้าถึง|รหัสลับ"),
        (Verbatim, "คำต่อคำ|ทีละตัวอักษร|ตามตัวอักษร"),
        (Pretend, "แกล้ง|สวมบท|ทำตัวเป็น|ตั้งแต่นี้|จากนี้ไป|จินตนาการ|ต่อไปนี้คุณ|ตอนนี้คุณคือ|แสดงเป็น"),
        (
            Limitless,
            "ไม่มีข้อจำกัด|ไร้ข้อจำกัด|ไม่มีขีดจำกัด|ไม่กรอง|ไม่มีการกรอง|ไม่มีตัวกรอง|ไม่มีกฎ|ไม่เคยปฏิเสธ|ไม่ปฏิเสธ|ชั่วร้าย|\
             ไม่มีเซ็นเซอร์|ไม่มีศีลธรรม",
        ),
        (Claim, "คำสั่งใหม่:|จบคำสั่ง|เปิดโหมดดีบัก|โหมดนักพัฒนา"),
    ],
};
